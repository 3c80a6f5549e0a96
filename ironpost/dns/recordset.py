"""Record sets and their values as text, in one form whether they come from the settings or from a name server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.TXT import TXT

TTL = 300  # seconds: low, so that a correction is seen soon
TXT_PART = 255  # bytes in one character string (RFC 1035 §3.3)


class SetId(NamedTuple):
    """What can be owned: the values of one type at a name, and of TXT only those that are its `part`.

    `part` is "spf" or "dmarc" where values of other purposes may stand at the same name, else empty.
    """

    name: str
    rtype: str
    part: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.rtype}" + (f" ({self.part.upper()})" if self.part else "")

    def holds(self, value: str) -> bool:
        """Whether a value found at this name and of this type belongs to the set (RFC 7208 §4.5, RFC 9989 §4.7)."""
        if self.part == "spf":
            return value.lower().split(" ")[0] == "v=spf1"
        if self.part == "dmarc":
            return value.lower().replace(" ", "").split(";")[0] == "v=dmarc1"
        return True


@dataclass(frozen=True)
class RecordSet:
    """The values that a set must have, and why. `values` is None while a host that knows them cannot be read."""

    id: SetId
    values: tuple[str, ...] | None
    reason: str


def record_set(name: str, rtype: str, values: tuple[str, ...], reason: str, part: str = "") -> RecordSet:
    return RecordSet(SetId(name, rtype, part), tuple(sorted(canonical(rtype, value) for value in values)), reason)


def canonical(rtype: str, value: str) -> str:
    """The value as this module always writes it: names in lower case with a closing dot, TXT as one plain string."""
    return text_of(rdata_of(rtype, value))


def rdata_of(rtype: str, value: str) -> dns.rdata.Rdata:
    """The value for dnspython; TXT is cut into character strings of at most 255 bytes."""
    if rtype == "TXT":
        raw = value.encode()
        parts = [raw[start : start + TXT_PART] for start in range(0, len(raw), TXT_PART)] or [b""]
        return TXT(dns.rdataclass.IN, dns.rdatatype.TXT, parts)
    return dns.rdata.from_text("IN", rtype, value, origin=dns.name.root, relativize=False)


def text_of(rdata: dns.rdata.Rdata) -> str:
    """The reverse of `rdata_of`: how a value was cut into strings makes no difference (RFC 7208 §3.3)."""
    if isinstance(rdata, TXT):
        return b"".join(rdata.strings).decode("utf-8", "backslashreplace")
    return rdata.to_text().lower()
