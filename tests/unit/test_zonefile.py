"""What people paste: complete, safe, and readable by every server."""

from __future__ import annotations

import dns.zone

from ironpost.dns.desired import Desired, joined
from ironpost.dns.plan import Change
from ironpost.dns.recordset import SetId
from ironpost.dns.zone import Seen
from ironpost.dns.zonefile import zone_file_lines

SOA = ["example.org. 300 IN SOA a. b. 1 1 1 1 1", "example.org. 300 IN NS a."]


def pasted(*places: Desired) -> dns.zone.Zone:
    text = "\n".join([*SOA, *zone_file_lines("example.org", list(places)), ""])
    return dns.zone.from_text(text, origin="example.org.", relativize=False)


def test_a_long_key_is_cut_into_strings() -> None:
    """A provider's form takes 255 bytes at a time (RFC 1035 §3.3)."""
    key = "v=DKIM1; k=rsa; p=" + "A" * 380
    zone = pasted(Desired("r1._domainkey.example.org", "TXT", (key,), (), ("why",)))
    [rdata] = zone.find_rdataset("r1._domainkey.example.org.", "TXT")
    assert [len(part) for part in rdata.strings] == [255, len(key) - 255]
    assert b"".join(rdata.strings).decode() == key


def test_what_waits_for_a_decision_is_not_pasted_by_accident() -> None:
    """Two MX sets side by side would send half of the mail elsewhere."""
    place = Desired("example.org", "MX", ("10 mx1.example.org.",), (), ("why",), "stands there with 10 theirs.")
    assert pasted(place).get_rdataset("example.org.", "MX") is None
    assert "; example.org. 300 IN MX 10 mx1.example.org." in list(zone_file_lines("example.org", [place]))


def test_what_others_have_at_the_same_name_is_named() -> None:
    """Forms that replace a whole set would lose it."""
    seen = {("example.org", "TXT"): Seen(("proof=x", "v=spf1 a ~all"))}
    spf = SetId("example.org", "TXT", "spf")
    change = Change("~", spf, ("v=spf1 a ~all",), ("v=spf1 mx ~all",), "why", "example.org", "own", "own")
    [place] = joined([change], seen)
    assert (place.values, place.others) == (("v=spf1 mx ~all",), ("proof=x",))
    assert '; stays: example.org. 300 IN TXT "proof=x"' in list(zone_file_lines("example.org", [place]))


def test_a_domain_in_other_letters_is_shown_as_people_write_it() -> None:
    """Beside what DNS has."""
    assert "xn--bcher-kva.example (bücher.example)" in next(zone_file_lines("xn--bcher-kva.example", []))
