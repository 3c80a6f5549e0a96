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

# What the first word of a TXT value is where values of several purposes may share a name, by part.
TAGS = {
    "spf": "v=spf1",  # RFC 7208 §4.5
    "dmarc": "v=dmarc1",  # RFC 9989 §4.7
    "sts": "v=stsv1",  # RFC 8461 §3.1
    "tlsrpt": "v=tlsrptv1",  # RFC 8460 §3
}


class SetId(NamedTuple):
    """What can be owned: the values of one type at a name, and of TXT only those that are its `part`.

    `part` is a key of TAGS where values of other purposes may stand at the same name, else empty.
    """

    name: str
    rtype: str
    part: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.rtype}" + (f" ({self.part.upper()})" if self.part else "")

    def holds(self, value: str) -> bool:
        """Whether a value found at this name and of this type belongs to the set."""
        if not self.part:
            return True
        plain = value.lower()
        first = plain.split(" ")[0] if self.part == "spf" else plain.replace(" ", "").split(";")[0]
        return first == TAGS[self.part]


@dataclass(frozen=True)
class RecordSet:
    """The values that a set must have, and why. `values` is None while a host that knows them cannot be read.

    `signed_only`: it is believed only where DNSSEC proves it, and therefore published only in a signed zone.
    """

    id: SetId
    values: tuple[str, ...] | None
    reason: str
    signed_only: bool = False


def record_set(
    name: str, rtype: str, values: tuple[str, ...], reason: str, part: str = "", signed_only: bool = False
) -> RecordSet:
    found = tuple(sorted({canonical(rtype, value) for value in values}))
    return RecordSet(SetId(name, rtype, part), found, reason, signed_only)


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
    # The value of a CAA record may be an address of a web site, where case matters (RFC 8657 §3).
    return rdata.to_text() if rdata.rdtype == dns.rdatatype.CAA else rdata.to_text().lower()
