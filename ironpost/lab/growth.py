"""Names for hosts that join a lab whose name servers run already, and hold what operators have published since."""

from __future__ import annotations

from collections.abc import Iterable

from ironpost.lab.plan import LabPlan, PlannedHost
from ironpost.lab.trust import reverse_zones
from ironpost.lab.zonefiles import TTL, absolute, pointer

FORWARD = "stranger.example"


def announcement(plan: LabPlan, hosts: Iterable[PlannedHost]) -> str:
    """A shell script for the first name server that adds these hosts, forward and reverse, in one transaction."""
    reverse4, reverse6 = reverse_zones(plan)
    records = []
    for host in hosts:
        name = absolute(host.fqdn)
        records += [
            f"{FORWARD}. {name} {TTL} A {host.ipv4}",
            f"{FORWARD}. {name} {TTL} AAAA {host.ipv6}",
            f"{reverse4}. {pointer(host.ipv4)} {TTL} PTR {name}",
            f"{reverse6}. {pointer(host.ipv6)} {TTL} PTR {name}",
        ]
    zones = f"{FORWARD}. {reverse4}. {reverse6}."
    lines = ["set -e", f"knotc zone-begin {zones}", *(f"knotc zone-set {record}" for record in records)]
    return "\n".join([*lines, f"knotc zone-commit {zones}"]) + "\n"
