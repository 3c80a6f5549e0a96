"""What an update says to the server, without one."""

from __future__ import annotations

import dns.rdata
import dns.tsig
import pytest

from ironpost.dns.plan import Change, ZonePlan
from ironpost.dns.publish import edits_of, messages, update_message
from ironpost.dns.recordset import SetId, text_of
from ironpost.dns.zone import Seen
from ironpost.errors import DnsError
from tests.unit.test_dns_plan import UPDATES

TSIG = dns.tsig.Key("k", "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "hmac-sha256")
CUT = ('"v=spf1 " "mx " "~all"', '"v=spf1 mx" " ~all"')


def test_text_that_others_cut_their_own_way_is_named_as_it_stands() -> None:
    """A server compares strings, not what they join to (RFC 2136 §2.4.2): cut anew, nothing would ever match."""
    rows = tuple(dns.rdata.from_text("IN", "TXT", cut) for cut in CUT)
    old = text_of(rows[0])
    seen = {("example.org", "TXT"): Seen((old, old), rdatas=rows), ("_ironpost.example.org", "TXT"): Seen()}
    spf = SetId("example.org", "TXT", "spf")
    change = Change("~", spf, (old, old), ("v=spf1 -all",), "why", "example.org", "own", "own")
    plan = ZonePlan("example.org", UPDATES, (), (change,), seen)
    text = update_message(plan, edits_of([change]), TSIG).to_text()
    required, _, changed = text.partition(";UPDATE")
    for cut in CUT:
        assert f"IN TXT {cut}" in required  # exactly what stands there must stand there
        assert f"NONE TXT {cut}" in changed  # and each of them goes
    assert 'IN TXT "v=spf1 -all"' in changed


def many(scopes: int, keys: int) -> list[Change]:
    """New keys of 400 characters for that many hosts, each with its registry."""
    return [
        Change("+", SetId(f"s{key}._domainkey.d{scope}.example.org", "TXT"), (), ("v=DKIM1; p=" + "A" * 400,), "why",
               f"d{scope}.example.org", None, "own")
        for scope in range(scopes)
        for key in range(keys)
    ]  # fmt: skip


def test_what_one_message_cannot_hold_is_sent_as_several_of_whole_scopes() -> None:
    """Fifty hosts published at once are more than the 65,535 bytes of a message (RFC 1035 §4.2.2)."""
    changes = many(50, 5)
    plan = ZonePlan("example.org", UPDATES, (), tuple(changes), {})
    parts = messages(plan, changes, TSIG)
    assert 2 <= len(parts) <= 4
    texts = [part.to_text() for part in parts]
    for scope in range(50):
        own = [number for number, text in enumerate(texts) if f".d{scope}.example.org." in text]
        assert len(own) == 1
        assert texts[own[0]].count(f"_domainkey.d{scope}.example.org. 300 IN TXT") == 5
    assert all(len(part.to_wire()) < 65_536 for part in parts)


def test_a_scope_that_no_message_can_hold_is_one_clear_sentence() -> None:
    changes = many(1, 200)
    with pytest.raises(DnsError, match=r"d0\.example\.org are more than one message can hold; publish them by"):
        messages(ZonePlan("example.org", UPDATES, (), tuple(changes), {}), changes, TSIG)
