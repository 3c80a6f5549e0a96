"""SPF as it is published: its end, its cost, its size, and the names that need one besides."""

from __future__ import annotations

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.spf import MECHANISM, PUBLISH, check_host, policies
from ironpost.evidence.probes import Probes
from ironpost.evidence.zone import Zone
from ironpost.mailhost import MailHost

MOST_LOOKUPS = 10
MOST_VOID = 2
MOST_LOOKUPS_STRICT = 5
MOST_BYTES = 1232  # what passes every path unfragmented (DNS flag day 2020)
ASKING = ("include", "a", "mx", "ptr", "exists")


@control(
    "SPF-02",
    claim="Each SPF policy ends by refusing or doubting everybody else",
    reference="RFC 7208 §5.1, §8; BSI TR-03182",
    severity="high",
    cost="passive",
)
class SpfEndsInRefusal:
    """Without `-all` or `~all` a forger gets the same result as a stranger nobody knows."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        return holds_unless(endings(mailhost, probes.zone, ("-all", "~all")), remedy=PUBLISH)

    def strict_outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        return holds_unless(endings(mailhost, probes.zone, ("-all",)), remedy='set spf="-all" and publish')


def endings(mailhost: MailHost, zone: Zone, good: tuple[str, ...]) -> list[str]:
    faults = []
    for domain in mailhost.domain_names:
        for server, answer in zone.everywhere(domain, "TXT").items():
            found = policies(answer.values)
            faults += [f"{server}: {domain} has no SPF policy"] * (not found)
            for policy in found:
                last = policy.lower().split()[-1]
                if last not in good and not last.startswith("redirect="):
                    faults.append(f"{server}: {domain}: SPF ends in {last}")
    return faults


@control(
    "SPF-03",
    claim="Evaluating SPF takes at most ten lookups, and at most two that find nothing",
    reference="RFC 7208 §4.6.4, §5.5",
    severity="high",
    cost="passive",
)
class SpfIsAffordable:
    """One lookup more, and receivers call the policy an error: nobody's mail passes."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults, seen = [], []
        for domain in mailhost.domain_names:
            lookups, void = counted(probes.zone, domain)
            seen.append(f"{domain}: {lookups} lookups, {void} void")
            if lookups > MOST_LOOKUPS or void > MOST_VOID:
                faults.append(f"{domain}: SPF takes {lookups} lookups, {void} of them in vain")
        return holds_unless(
            faults, remedy="shorten also_sends=, or set spf_flat=True; " + PUBLISH, seen="; ".join(seen)
        )

    def strict_outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{domain}: SPF takes {lookups} lookups"
            for domain in mailhost.domain_names
            for lookups, _ in [counted(probes.zone, domain)]
            if lookups > MOST_LOOKUPS_STRICT
        ]
        return holds_unless(faults, remedy="set spf_flat=True; " + PUBLISH)


def counted(zone: Zone, domain: str, depth: int = 0) -> tuple[int, int]:
    """(lookups, void lookups) of all terms, policies that are included counting in full."""
    found = policies(zone.values(domain, "TXT"))
    lookups = void = 0
    for term in found[0].split()[1:] if len(found) == 1 and depth <= MOST_LOOKUPS else ():
        bare = term.lstrip("+-~?").lower()
        if bare.startswith("redirect="):
            more = counted(zone, bare.partition("=")[2].rstrip("."), depth + 1)
            lookups, void = lookups + 1 + more[0], void + more[1]
            continue
        parts = MECHANISM.fullmatch(bare)
        kind = parts["kind"] if parts else bare
        if kind not in ASKING:
            continue
        lookups += 1
        target = ((parts["target"] if parts else None) or domain).rstrip(".")
        if kind == "include":
            more = counted(zone, target, depth + 1)
            lookups, void = lookups + more[0], void + more[1]
        elif kind in ("a", "mx") and not asked_for(zone, kind, target):
            void += 1
    return lookups, void


def asked_for(zone: Zone, kind: str, target: str) -> tuple[str, ...]:
    if kind == "mx":
        return zone.values(target, "MX")
    return zone.values(target, "A") + zone.values(target, "AAAA")


@control(
    "SPF-05",
    claim="The name that the host says in HELO has an SPF policy under which its addresses pass",
    reference="RFC 7208 §2.3, §10.1.3",
    cost="passive",
)
class HeloNameHasSpf:
    """Bounces have no sender: the name in HELO is what is judged in its place."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        found = policies(probes.zone.values(mailhost.name, "TXT"))
        faults = [f"{mailhost.name} has {len(found)} SPF policies"] if len(found) != 1 else []
        for address in mailhost.addresses if found else ():
            result = check_host(probes.zone, mailhost.name, address)
            if result != "pass":
                faults.append(f"{mailhost.name}: {address} gets {result}")
        return holds_unless(faults, remedy=PUBLISH)


@control(
    "SPF-06",
    claim="All text at a mail domain's name fits into one answer",
    reference="RFC 7208 §3.4; DNS flag day 2020",
    cost="passive",
)
class SpfFitsIntoOneAnswer:
    """What is cut off is asked for again by TCP, which not every receiver may do."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{server}: {domain} TXT takes {answer.size} bytes, more than {MOST_BYTES}"
            for domain in mailhost.domain_names
            for server, answer in probes.zone.everywhere(domain, "TXT").items()
            if answer.size > MOST_BYTES
        ]
        return holds_unless(faults, remedy="remove text records that nobody needs; " + PUBLISH)
