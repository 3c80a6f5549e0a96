"""Who is in the test network, and where: names, addresses, zones. Pure; nothing here touches the machine."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Literal

Release = Literal["bookworm", "trixie"]
Image = Literal["bare", "services"]
Role = Literal["name server", "resolver", "mail", "outside", "stranger", "bare"]

SLOTS = {"demo": 0, "test": 1}
FIRST_FREE_SLOT = 2
LAST_SLOT = 15
BARE_PER_BLOCK = 250


@dataclass(frozen=True)
class PlannedHost:
    """One host of the network: what it is called and where it answers."""

    name: str
    fqdn: str
    role: Role
    release: Release
    image: Image
    ipv4: str
    ipv6: str
    ssh_user: str = "root"


@dataclass(frozen=True)
class LabPlan:
    """The whole network of one lab. Ranges are RFC 2544 (198.18.0.0/15) and RFC 3849 (2001:db8::/32):

    private ranges would be taken for local by the mail software, and checks would be skipped.
    """

    name: str
    slot: int
    hosts: tuple[PlannedHost, ...]

    @property
    def ipv4_network(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(f"198.18.{16 * self.slot}.0/20")

    @property
    def ipv6_network(self) -> ipaddress.IPv6Network:
        return ipaddress.IPv6Network(f"2001:db8:{0x1800 + self.slot:x}::/48")

    @property
    def bridge(self) -> str:
        """The bridge in the machine's own network namespace (interface names have at most 15 characters)."""
        return f"iplab{self.slot}"

    @property
    def controller_ipv4(self) -> str:
        return str(self.ipv4_network[1])

    @property
    def controller_ipv6(self) -> str:
        return str(self.ipv6_network[1])

    def namespace(self, host: str) -> str:
        return f"{self.bridge}-{host}"

    def interface(self, host: str) -> str:
        """The bridge's end of a host's veth pair; short, because names end at 15 characters."""
        return f"il{self.slot}v{[h.name for h in self.hosts].index(host)}"

    def host(self, name: str) -> PlannedHost:
        return next(host for host in self.hosts if name in (host.name, host.fqdn))

    def of_role(self, role: Role) -> tuple[PlannedHost, ...]:
        return tuple(host for host in self.hosts if host.role == role)


# Zones that exist in every lab besides "." and the two reverse zones; the value says what each is for.
ZONES: dict[str, str] = {
    "org": "parent of example.org",
    "com": "parent of example.com",
    "net": "parent of example.net",
    "example": "parent of dns.example and the others below",
    "example.org": "the operator's domain, served by mx1; starts with NS and SOA only",
    "example.com": "the operator's domain, served by mx2; starts with NS and SOA only",
    "fleet.example": "the operator's domain of the layout with eight mail hosts; starts with NS and SOA only",
    "example.net": "the outside operator's domain, complete from the start",
    "dns.example": "ns1, ns2 and resolver",
    "stranger.example": "the stranger's host",
    "reject.example": "a domain with SPF -all and DMARC p=reject, sent from by nobody: for spoofing tests",
    "quarantine.example": "the same with p=quarantine",
    "partners.example": "domains with each mix of DANE and MTA-STS, right and wrong; they lead to the outside operator",
}
OPERATED_ZONES = ("example.org", "example.com", "fleet.example")

# Further mail hosts of the fleet, called by what each does: short name, full name, release.
FLEET: tuple[tuple[str, str, Release], ...] = (
    ("out1", "out1.example.org", "trixie"),
    ("out2", "out2.example.com", "bookworm"),
    ("box1", "box1.example.org", "trixie"),
    ("box2", "box2.example.com", "bookworm"),
    ("relay", "relay.fleet.example", "trixie"),
    ("whole", "whole.fleet.example", "bookworm"),
)


def plan_lab(name: str, slot: int, extra_hosts: int = 0, fleet: bool = False) -> LabPlan:
    """The network called `name` on address slot 0–15, with `extra_hosts` bare hosts besides the fixed ones.

    With `fleet` it has eight hosts for mail in place of two.
    """
    v4 = "198.18.{}.{}"
    base = 16 * slot
    v6 = f"2001:db8:{0x1800 + slot:x}:{{:x}}::{{:x}}"

    def at(block: int, number: int) -> dict[str, str]:
        return {"ipv4": v4.format(base + block, number), "ipv6": v6.format(block, number)}

    fixed = (
        PlannedHost("ns1", "ns1.dns.example", "name server", "trixie", "services", **at(1, 53)),
        PlannedHost("ns2", "ns2.dns.example", "name server", "trixie", "services", **at(2, 53)),
        PlannedHost("resolver", "resolver.dns.example", "resolver", "trixie", "services", **at(1, 54)),
        PlannedHost("mx1", "mx1.example.org", "mail", "trixie", "bare", **at(3, 10)),
        PlannedHost("mx2", "mx2.example.com", "mail", "bookworm", "bare", **at(4, 10), ssh_user="operator"),
        PlannedHost("outside", "mail.example.net", "outside", "trixie", "services", **at(5, 10)),
        PlannedHost("stranger", "host.stranger.example", "stranger", "trixie", "services", **at(6, 10)),
    )
    bare = tuple(
        PlannedHost(
            f"bare{number}",
            f"bare{number}.stranger.example",
            "bare",
            "trixie" if number % 2 else "bookworm",
            "bare",
            **at(8 + (number - 1) // BARE_PER_BLOCK, 1 + (number - 1) % BARE_PER_BLOCK),
        )
        for number in range(1, extra_hosts + 1)
    )
    more = tuple(
        PlannedHost(name, fqdn, "mail", release, "bare", **at(7, number))
        for number, (name, fqdn, release) in enumerate(FLEET, 10)
    )
    return LabPlan(name, slot, fixed + (more if fleet else ()) + bare)
