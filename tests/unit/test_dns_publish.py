"""What an update says to the server, without one."""

from __future__ import annotations

import dns.rdata
import dns.tsig

from ironpost.dns.plan import Change, ZonePlan
from ironpost.dns.publish import edits_of, update_message
from ironpost.dns.recordset import SetId, text_of
from ironpost.dns.zone import Seen
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
