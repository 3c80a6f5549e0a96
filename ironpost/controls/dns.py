"""How the world finds the host, and whether it believes its name."""

from __future__ import annotations

import ipaddress

from ironpost.controls.control import Verdict, broken, control, holds_unless
from ironpost.evidence.probes import Probes
from ironpost.mailhost import MailHost

PUBLISH = "run `ironpost dns apply`"


@control(
    "DNS-01",
    claim="MX records lead to host names with addresses, and each address answers on port 25",
    reference="RFC 5321 §5.1; RFC 2181 §10.3",
    severity="high",
    roles=("mx",),
)
class MxLeadsToWorkingHosts:
    """Mail for a wrong MX waits five days in other people's queues, and comes back."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for domain in mailhost.domain_names:
            shown = probes.zone.everywhere(domain, "MX")
            for server, answer in shown.items():
                named = [value.split()[-1] for value in answer.values]
                if mailhost.name not in named:
                    faults.append(f"{server}: {domain}: MX names {', '.join(named) or 'no host'}, not {mailhost.name}")
            targets = sorted({value.split()[-1] for answer in shown.values() for value in answer.values})
            if faults:  # certain already; where the wrong host's addresses are may be anybody's business
                return broken("; ".join(faults), PUBLISH)
            faults += [f"{domain}: {fault}" for target in targets for fault in bad_target(target, probes)]
        for rtype, address in zip(("A", "AAAA"), (mailhost.ipv4, mailhost.ipv6), strict=True):
            found = probes.zone.values(mailhost.name, rtype)
            if set(found) != ({address} if address else set()):
                faults.append(f"{mailhost.name} {rtype} is {', '.join(found) or 'missing'}")
        faults += [
            f"{address} does not answer on port 25" for address, seen in probes.each("ports") if 25 not in seen["open"]
        ]
        return holds_unless(faults, remedy=PUBLISH)


def bad_target(target: str, probes: Probes) -> list[str]:
    try:
        ipaddress.ip_address(target)
        return [f"MX names the address {target}"]
    except ValueError:
        alias = probes.zone.alias(target)
    if alias:
        return [f"MX {target} is an alias of {alias}"]
    if not probes.zone.values(target, "A") and not probes.zone.values(target, "AAAA"):
        return [f"MX {target} has no address"]
    return []


@control(
    "DNS-02",
    claim="Every address has exactly one PTR: the host's own name, which leads back to it",
    reference="RFC 1912 §2.1; RFC 8501; the sender guidelines of large receivers",
    severity="high",
)
class PointersLeadBack:
    """Large receivers refuse hosts whose address does not say who they are."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address in mailhost.addresses:
            place = ipaddress.ip_address(address).reverse_pointer
            names = probes.zone.values(place, "PTR")
            if names != (mailhost.name,):
                faults.append(f"{address}: PTR is {', '.join(names) or 'missing'}, not {mailhost.name}")
            rtype = "AAAA" if ":" in address else "A"
            if address not in probes.zone.values(mailhost.name, rtype):
                faults.append(f"{mailhost.name} does not lead back to {address}")
        for address, seen in probes.each("smtp/25"):
            greeting = seen["banner"].split()[0] if seen["banner"] else ""
            if greeting != mailhost.name:
                faults.append(f"{address} greets as {greeting!r}")
        return holds_unless(faults, remedy=PUBLISH)


@control(
    "BAK-04",
    claim="Every host that takes mail for a domain is one of this fleet, configured and verified like the others",
    reference="M3AAWG, backup MX; RFC 5321 §5.1",
    severity="high",
    roles={"mx"},
)
class NoMxIsWeaker:
    """Spam comes to the MX of the highest number first, since nobody looks after it; and DANE ends where it begins."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for domain in mailhost.domain_names:
            named = {value.split()[-1] for value in probes.zone.values(domain, "MX")}
            faults += [
                f"{target} takes mail for {domain}, and is no host of this fleet"
                for target in sorted(named - set(mailhost.fleet_names))
            ]
        return holds_unless(faults, remedy=f"name that host in the inventory, or take it out of the MX set: {PUBLISH}")
