"""What one authoritative server shows of a zone, its serial number included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ironpost.dns.recordset import SetId
from ironpost.dns.resolver import Resolver, first_answer
from ironpost.dns.zone import NameServer, Place, Seen
from ironpost.errors import DnsError

HALF = 2**31
ROUND = 2**32


@dataclass(frozen=True)
class Authority:
    """`refresh`: seconds after which a secondary asks its primary again. `error`: why nothing is known."""

    address: str
    serial: int = 0
    refresh: int = 0
    signed: bool = False
    seen: Mapping[Place, Seen] = field(default_factory=dict)
    error: str = ""

    @classmethod
    def read(cls, server: NameServer, zone: str, places: Iterable[Place]) -> Authority:
        try:
            soa = server.read(zone, "SOA")
            seen = server.read_all(places)
            signed = server.signed(zone)
        except DnsError as error:
            return cls(server.address, error=str(error).removeprefix(f"{server.address}: "))
        if not soa.values:
            return cls(server.address, error=f"gives no SOA for {zone}; see that it serves the zone")
        _, _, serial, refresh, *_ = soa.values[0].split()
        return cls(server.address, int(serial), int(refresh), signed, seen)

    def values(self, wanted: SetId) -> tuple[str, ...]:
        return tuple(value for value in self.seen[wanted.name, wanted.rtype].values if wanted.holds(value))


def is_older(one: int, other: int) -> bool:
    """Serial numbers go round (RFC 1982 §3.2)."""
    return one != other and (other - one) % ROUND < HALF


def authorities(zone: str, asked: Sequence[Resolver]) -> tuple[str, ...]:
    """The addresses of a zone's name servers, as resolvers know them; IPv4 where a server has it."""
    names = [name.rstrip(".") for name in first_answer(asked, zone, "NS").values]
    found = [first_answer(asked, name, "A").values or first_answer(asked, name, "AAAA").values for name in names]
    return tuple(dict.fromkeys(address for addresses in found for address in addresses))
