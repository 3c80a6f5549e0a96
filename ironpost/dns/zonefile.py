"""A zone file (RFC 1035 §5) of everything that is wanted, for people who paste it at their provider."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.desired import Desired
from ironpost.dns.recordset import TTL, rdata_of
from ironpost.settings import readable_name


def zone_file_lines(zone: str, places: list[Desired]) -> Iterator[str]:
    """Names are absolute, so that it can be pasted anywhere; what must not be added as it is stands behind `;`."""
    yield f"; zone {readable_name(zone)}: what its mail needs; everything else in it stays"
    yield f"$TTL {TTL}"
    for each in places:
        yield ""
        yield from (f"; {reason}" for reason in dict.fromkeys(each.reasons))
        if each.withheld:
            yield f"; {each.name} {each.rtype} {each.withheld}"
        yield from (f"; stays: {line(each, value)}" for value in each.others)
        yield from (f"{'; ' if each.withheld else ''}{line(each, value)}" for value in each.values)


def line(each: Desired, value: str) -> str:
    return f"{each.name}. {TTL} IN {each.rtype} {rdata_of(each.rtype, value).to_text()}"
