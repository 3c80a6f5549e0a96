"""TLS beyond versions and suites: on evidence made by hand, and the prober against a server of Python's own."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ironpost.compliance.programs.prober import hello
from ironpost.controls import exchange, listeners
from ironpost.controls.control import Verdict, control_of
from ironpost.controls.tls import is_modern
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot


@dataclasses.dataclass(frozen=True)
class Host:
    """What these controls know of a mail host."""

    tls: str = "intermediate"
    cleartext_ports: tuple[str, ...] = ()
    roles: tuple[str, ...] = ("mx", "submission", "mailbox")


PORT: dict[str, Any] = {
    "order": {"suite": "ECDHE-ECDSA-AES256-GCM-SHA384"},
    "weak_groups": {"TLSv1.2": {"alert": 40}, "TLSv1.2 beside P-256": {"group": 0x17}, "TLSv1.3": {"alert": 40}},
    "hybrid": {"version": "TLSv1.3", "group": 0x11EC},
    "tickets": {"seconds": 7200},
    "names": {"right": {"leaf": "A"}, "none": {"leaf": "A"}, "wrong": {"leaf": "A"}},
}
TLS12 = {"version": "TLSv1.2", "compression": 0, "secure_renegotiation": True, "extended_master_secret": True}
LOOK: dict[str, Any] = {"versions": {"TLSv1.2": TLS12, "TLSv1.3": {"version": "TLSv1.3"}}, "suites": ["X"]}
REPLIES = {"MAIL": [250, "ok"], "RCPT": [250, "ok"]}


def probes(part: str = "", value: Any = None, look: Any = None, replies: Any = None) -> Probes:
    """Two addresses that behave; the second one differs in one part on every port."""
    good: dict[str, Any] = {f"exchange/{port}": PORT for port in (25, 465, 587, 993, 995)}
    good |= {f"tls/{port}": LOOK for port in (25, 465, 587, 993, 995)} | {"without tls": REPLIES}
    other = dict(good)
    if part:
        other |= {f"exchange/{port}": PORT | {part: value} for port in (25, 465, 587, 993, 995)}
    if look:
        other |= {f"tls/{port}": look for port in (25, 465, 587, 993, 995)}
    if replies:
        other |= {"without tls": replies}
    return Probes({"addresses": {"192.0.2.1": good, "2001:db8::1": other}, "sources": ["198.51.100.1"]})


def verdict(claimed: type, seen: Probes, host: Host = Host()) -> Verdict:  # noqa: B008 - frozen
    judge = control_of(claimed).outside
    assert judge is not None
    return judge(host, seen)


OUTSIDE = [
    (exchange.OwnOrderOfSuites, probes("order", {"suite": "ECDHE-ECDSA-AES128-GCM-SHA256"}), "named it first"),
    (exchange.NoWeakGroups, probes("weak_groups", {"TLSv1.2": {"group": 0x15}, "TLSv1.3": {}}), "group 0x0015"),
    (exchange.NoWeakGroups, probes("weak_groups", {"TLSv1.2 beside P-256": {"group": 0x16}}), "group 0x0016"),
    (exchange.HybridKeyExchange, probes("hybrid", {"alert": 40}), "does not agree"),
    (exchange.NoCompressionNoRenegotiation, probes(look=LOOK | {"versions": {"TLSv1.2": TLS12 | {"compression": 1}}}),
     "compresses"),
    (exchange.ExtendedMasterSecret,
     probes(look=LOOK | {"versions": {"TLSv1.2": TLS12 | {"extended_master_secret": False}}}), "does not use it"),
    (exchange.TicketsAreShortLived, probes("tickets", {"seconds": 90000}), "tickets for 90000 s"),
    (listeners.MailWithoutTlsIsTaken, probes(replies={"MAIL": [530, "5.7.0 STARTTLS first"]}), "gets 530"),
    (listeners.TlsIsTheSameEverywhere, probes(look=LOOK | {"suites": ["X", "Y"]}), "port 25 differs"),
    (listeners.UnknownNamesGetTheCertificate, probes("names", PORT["names"] | {"none": {"error": "alert 112"}}),
     "with none name: alert 112"),
    (listeners.UnknownNamesGetTheCertificate, probes("names", PORT["names"] | {"wrong": {"leaf": "B"}}), "another"),
]  # fmt: skip


@pytest.mark.parametrize(("claimed", "seen", "words"), OUTSIDE, ids=lambda value: getattr(value, "__name__", None))
def test_a_stranger_sees_it_and_says_where(claimed: type, seen: Probes, words: str) -> None:
    """It holds where all addresses behave, and is broken by one that does not, over IPv6 too."""
    assert verdict(claimed, probes()).state == "holds"
    found = verdict(claimed, seen)
    assert found.state == "broken" and words in found.found and "192.0.2.1 " not in found.found.split(" and ")[0]


def test_a_closed_community_is_judged_by_the_other_rule() -> None:
    """The same refusal is right there and wrong in public."""
    refusing = {"MAIL": [530, "5.7.0 Must issue a STARTTLS command first"]}
    closed = Host(tls="closed")
    assert verdict(listeners.ClosedCommunitiesInsist, probes(), Host()).state == "not applicable"
    assert verdict(listeners.MailWithoutTlsIsTaken, probes(replies=refusing), closed).state == "not applicable"
    assert verdict(listeners.ClosedCommunitiesInsist, probes(), closed).state == "broken"
    only = Probes({"addresses": {"192.0.2.1": {"without tls": refusing}}, "sources": ["198.51.100.1"]})
    assert verdict(listeners.ClosedCommunitiesInsist, only, closed).state == "holds"


def snapshot(main: str, cnf: str = "", dovecot: str = "") -> Snapshot:
    files = {"tls_config": {"path": "/etc/postfix/tls.cnf", "text": cnf}}
    whole = {"main": {"text": main}, "services": {"text": ""}, "overrides": {"text": ""}} | files
    return Snapshot({"postfix": whole, "dovecot": {"text": dovecot}})


def test_the_hybrid_counts_only_while_the_older_lists_are_empty() -> None:
    """Postfix silently prefers its own two lists to the groups of the file."""
    inside = control_of(exchange.HybridKeyExchange).inside
    assert inside is not None
    cnf, curves = "Groups = *X25519MLKEM768 / *X25519:secp256r1", "ssl_curve_list = X25519MLKEM768:X25519"
    empty = "tls_eecdh_auto_curves =\ntls_ffdhe_auto_groups ="
    assert inside(Host(), snapshot(empty, cnf, curves)).state == "holds"
    full = "tls_eecdh_auto_curves = X25519\ntls_ffdhe_auto_groups ="
    assert "takes the place" in inside(Host(), snapshot(full, cnf, curves)).found
    assert "Groups does not hold" in inside(Host(), snapshot(empty, "# " + cnf, curves)).found


def test_groups_are_read_as_openssl_writes_them() -> None:
    """Stars and slashes order them, colons part them, and the case of a name says nothing."""
    assert exchange.groups_of("*X25519MLKEM768 / *X25519:secp256r1:?P-384") == {
        "x25519mlkem768", "x25519", "secp256r1", "p-384",
    }  # fmt: skip


def test_a_hello_offers_the_groups_that_are_asked_and_a_key_for_one_alone() -> None:
    """For a group without a key the server asks again, and so tells that it has it (RFC 8446 §4.1.4)."""
    asked = hello.client_hello("mx.example", "TLSv1.3", hello.TLS13_SUITES, groups=(hello.X25519MLKEM768,))
    assert b"\x00\x0a\x00\x04\x00\x02\x11\xec" in asked and b"\x00\x33\x00\x02\x00\x00" in asked
    assert b"mx.example" not in hello.client_hello("", "TLSv1.2", hello.SUITES)


@pytest.mark.parametrize(
    ("tls", "on_25", "on_993"), [("modern", False, True), ("intermediate", False, False), ("closed", True, False)]
)
def test_where_nothing_but_tls_1_3_is_expected(tls: str, on_25: bool, on_993: bool) -> None:
    """`modern` is about programs, `closed` about servers; neither is about both."""
    host = Host(tls=tls)
    assert (is_modern(host, 25), is_modern(host, 993)) == (on_25, on_993)  # type: ignore[arg-type]
