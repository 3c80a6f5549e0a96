"""What stands in each zone of the lab before anybody updates it: zone files (RFC 1035 §5), unsigned. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ironpost.lab.partners import PARTNERS_ZONE, partner_records
from ironpost.lab.plan import OPERATED_ZONES, LabPlan, PlannedHost
from ironpost.lab.trust import Keys, reverse_zones, zone_names

TTL = 60
# Seconds for which "there is no such name" is remembered (RFC 2308 §5): tests publish a name and then ask for it.
NEGATIVE_TTL = 5
SERVERS = ("ns1.dns.example.", "ns2.dns.example.")
OUTSIDE_ZONE = "example.net"
FORGED_ZONES = {"reject.example": "reject", "quarantine.example": "quarantine"}
TXT_PART = 255

Record = tuple[str, str, str]


def zone_file(plan: LabPlan, zone: str, keys: Keys, outside_tlsa: str | None = None) -> str:
    """The text of one zone; `outside_tlsa` is the record text for port 25 of the outside operator's server."""
    records = [
        *_apex(zone),
        *_delegations(plan, zone, keys),
        *_addresses(plan, zone),
        *_pointers(plan, zone),
        *(_outside(plan, keys, outside_tlsa) if zone == OUTSIDE_ZONE else ()),
        *(_forged(plan, zone) if zone in FORGED_ZONES else ()),
        *(partner_records(plan, outside_tlsa) if zone == PARTNERS_ZONE else ()),
    ]
    lines = [f"{owner}\t{TTL}\tIN\t{rtype}\t{value}" for owner, rtype, value in dict.fromkeys(records)]
    return "\n".join((f"$TTL {TTL}", *lines)) + "\n"


def absolute(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


def parent_of(zone: str, zones: tuple[str, ...]) -> str:
    """The zone that delegates `zone`: the longest other one that it lies under."""
    above = [other for other in zones if other != "." and zone.endswith(f".{other}")]
    return max(above, key=len, default=".")


def published_hosts(plan: LabPlan) -> tuple[PlannedHost, ...]:
    """Hosts whose names stand in DNS from the start: all but those whose operator publishes them."""
    return tuple(host for host in plan.hosts if not host.fqdn.endswith(OPERATED_ZONES))


def pointer(address: str) -> str:
    return f"{ipaddress.ip_address(address).reverse_pointer}."


def _apex(zone: str) -> Iterator[Record]:
    timers = f"1 3600 600 604800 {NEGATIVE_TTL}"
    yield absolute(zone), "SOA", f"{SERVERS[0]} hostmaster.dns.example. {timers}"
    yield from ((absolute(zone), "NS", server) for server in SERVERS)


def _delegations(plan: LabPlan, zone: str, keys: Keys) -> Iterator[Record]:
    """NS and DS of each child, and the name servers' addresses where they lie under a child (glue)."""
    zones = zone_names(plan)
    for child in zones:
        if child != "." and parent_of(child, zones) == zone:
            yield from ((absolute(child), "NS", server) for server in SERVERS)
            yield absolute(child), "DS", keys.ds(child)
    if zone in (".", "example"):
        for host in plan.of_role("name server"):
            yield from _address_records(host, host.fqdn)


def _addresses(plan: LabPlan, zone: str) -> Iterator[Record]:
    for host in published_hosts(plan):
        if host.fqdn.partition(".")[2] == zone:
            yield from _address_records(host, host.fqdn)


def _address_records(host: PlannedHost, name: str) -> Iterator[Record]:
    yield absolute(name), "A", host.ipv4
    yield absolute(name), "AAAA", host.ipv6


def _pointers(plan: LabPlan, zone: str) -> Iterator[Record]:
    if zone in reverse_zones(plan):
        for host in published_hosts(plan):
            for name in (pointer(host.ipv4), pointer(host.ipv6)):
                if name.endswith(f".{zone}."):
                    yield name, "PTR", absolute(host.fqdn)


def _outside(plan: LabPlan, keys: Keys, tlsa: str | None) -> Iterator[Record]:
    """A mail domain of somebody who does everything right."""
    (host,) = plan.of_role("outside")
    apex = absolute(OUTSIDE_ZONE)
    yield apex, "MX", f"10 {absolute(host.fqdn)}"
    yield apex, "TXT", quoted("v=spf1 mx -all")
    yield absolute(host.fqdn), "TXT", quoted("v=spf1 a -all")  # RFC 7208 §2.3: the HELO name is checked as well
    yield f"_dmarc.{apex}", "TXT", quoted(f"v=DMARC1; p=reject; rua=mailto:postmaster@{OUTSIDE_ZONE}")
    for selector, value in keys.dkim_records.items():
        yield f"{selector}._domainkey.{apex}", "TXT", quoted(value)
    if tlsa:
        yield f"_25._tcp.{absolute(host.fqdn)}", "TLSA", tlsa


def _forged(plan: LabPlan, zone: str) -> Iterator[Record]:
    """A domain that sends no mail but resolves, so that only SPF and DMARC speak against who writes in its name."""
    for host in plan.of_role("stranger"):
        yield from _address_records(host, zone)
    yield absolute(zone), "TXT", quoted("v=spf1 -all")
    yield f"_dmarc.{absolute(zone)}", "TXT", quoted(f"v=DMARC1; p={FORGED_ZONES[zone]}")


def quoted(value: str) -> str:
    """A TXT value in character strings of at most 255 bytes (RFC 1035 §3.3)."""
    parts = [value[start : start + TXT_PART] for start in range(0, len(value), TXT_PART)]
    return " ".join(f'"{part}"' for part in parts)
