"""DANE records: the current and the next key on every port; a new key of a host counts as one change."""

from __future__ import annotations

import pytest

from ironpost.dns.plan import Change, ZonePlan, refusals
from ironpost.dns.records import TlsKey, Told
from ironpost.dns.records.tlsa import ports_of, tlsa_sets
from ironpost.dns.recordset import SetId
from ironpost.dns.told import understood
from ironpost.mailhost import MailHost
from tests.unit.test_dns_plan import UPDATES

HOST = MailHost(name="mx1.example.org", roles=("mx", "submission", "mailbox"))
KEYS = (TlsKey("ecdsa", "current", "aa" * 32), TlsKey("ecdsa", "next", "bb" * 32))


def test_each_port_has_the_current_and_the_next_key() -> None:
    """Resolvers know the next key long before a port serves it (RFC 7671 §8.1)."""
    found = list(tlsa_sets(HOST, {HOST.name: Told(tls=KEYS)}))
    assert [each.id.name for each in found] == [f"_{port}._tcp.mx1.example.org" for port in (25, 465, 587, 993, 995)]
    assert {each.values for each in found} == {("3 1 1 " + "aa" * 32, "3 1 1 " + "bb" * 32)}


def test_the_keys_of_a_host_that_cannot_be_read_are_unknown_not_absent() -> None:
    """A host that is down must not lose its records: DANE senders would fall back to what anybody can forge."""
    assert all(each.values is None for each in tlsa_sets(HOST, {HOST.name: None}))


@pytest.mark.parametrize(("others", "refused"), [(10, False), (3, False)])
def test_a_new_key_is_one_change_on_all_ports(others: int, refused: bool) -> None:
    """Five sets of one host are no sign of a wrong inventory."""
    tlsa = [
        Change("~", SetId(f"_{port}._tcp.mx1.example.org", "TLSA"), ("a",), ("b",), "why", "s", "own", "own")
        for port in ports_of(HOST)
    ]
    rest = [
        Change("=", SetId(f"h{n}.example.org", "A"), ("a",), ("a",), "why", "s", "own", "own") for n in range(others)
    ]
    assert bool(refusals((ZonePlan("example.org", UPDATES, (), (*tlsa, *rest), {}),))) is refused


def test_what_a_newer_host_tells_is_refused() -> None:
    """Guessing what a field means could publish a wrong key."""
    with pytest.raises(ValueError, match="newer schema"):
        understood({"schema": 2, "dkim": [], "tls": [], "acme_account": None})
