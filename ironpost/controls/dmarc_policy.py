"""DMARC as it is published: how much it asks for, of which names, and whether its reports arrive."""

from __future__ import annotations

import re

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.spf import policies
from ironpost.evidence.probes import Probes
from ironpost.evidence.zone import NO_SUCH_NAME, Zone
from ironpost.mailhost import MailHost

PUBLISH = "run `ironpost dns apply`"
STRENGTH = {"none": 0, "quarantine": 1, "reject": 2}
REPORT = re.compile(r"mailto:([^@\s,;!]+@[a-z0-9.-]+)", re.I)


def records(zone: Zone, name: str) -> list[str]:
    return [value for value in zone.values(f"_dmarc.{name}", "TXT") if value.lower().startswith("v=dmarc1")]


def tags(record: str) -> dict[str, str]:
    rows = [part.strip().partition("=") for part in record.split(";") if part.strip()]
    return {name.strip().lower(): value.strip() for name, _, value in rows}


def each_policy(mailhost: MailHost, zone: Zone) -> list[tuple[str, dict[str, str]]]:
    return [(domain, tags(record)) for domain in mailhost.domain_names for record in records(zone, domain)]


def lacking(mailhost: MailHost, zone: Zone) -> list[str]:
    return [f"{domain} has no DMARC policy" for domain in mailhost.domain_names if not records(zone, domain)]


@control(
    "DMARC-02",
    claim="Each DMARC policy asks for quarantine or reject, and is no test",
    reference="RFC 9989; BSI TR-03182; NIST SP 800-177r1",
    severity="high",
    cost="passive",
)
class DmarcAsksForAction:
    """`p=none` is for the weeks in which reports are read, not for years."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = lacking(mailhost, probes.zone)
        for domain, given in each_policy(mailhost, probes.zone):
            if STRENGTH.get(given.get("p", "none").lower(), 0) < STRENGTH["quarantine"]:
                faults.append(f"{domain}: p={given.get('p', 'none')}{ends(mailhost, domain)}")
            faults += [f"{domain}: t=y says that it is a test"] * (given.get("t", "n").lower() == "y")
        return holds_unless(faults, remedy='read the reports, then set dmarc="quarantine" or "reject", and publish')

    def strict_outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        weak = [f"{domain}: p={given.get('p')}" for domain, given in each_policy(mailhost, probes.zone)]
        weak = [fault for fault in weak if not fault.endswith("p=reject")]
        return holds_unless([*lacking(mailhost, probes.zone), *weak], remedy='set dmarc="reject", and publish')


def ends(mailhost: MailHost, domain: str) -> str:
    until = next(each.observe_until for each in mailhost.domains if each.name == domain)
    return f", to be ended on {until}" if until else ", without a date on which that ends"


@control(
    "DMARC-03",
    claim="Names below a mail domain are covered as strictly as the domain itself",
    reference="RFC 9989 §4.10; RFC 9091",
    cost="passive",
)
class DmarcCoversWhatIsBelow:
    """Forgers write from accounts.example.org when example.org is closed to them."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = lacking(mailhost, probes.zone)
        for domain, given in each_policy(mailhost, probes.zone):
            own = given.get("p", "none").lower()
            for tag in ("sp", "np"):
                below = given.get(tag, given.get("sp", own)).lower()
                if STRENGTH.get(below, 0) < STRENGTH.get(own, 0):
                    faults.append(f"{domain}: {tag}={below} is weaker than p={own}")
        return holds_unless(faults, remedy=PUBLISH)


@control(
    "DMARC-04",
    claim="DMARC reports go to mailboxes that exist, or to others who agreed to get them",
    reference="RFC 9990; RFC 7489 §7.1",
)
class DmarcReportsArrive:
    """A policy whose reports bounce is set blindly."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = lacking(mailhost, probes.zone)
        taken = {
            address
            for _, replies in probes.each("reports")
            for address, (code, *_rest) in replies.items()
            if 200 <= code < 300
        }
        for domain, given in each_policy(mailhost, probes.zone):
            addresses = [address.lower() for address in REPORT.findall(given.get("rua", ""))]
            faults += [f"{domain}: rua names no address"] * (not addresses)
            for address in addresses:
                faults += [f"{domain}: rua: {fault}" for fault in wrong(mailhost, probes.zone, domain, address, taken)]
        return holds_unless(faults, remedy="name an address that exists in dmarc_reports=, and publish")


def wrong(mailhost: MailHost, zone: Zone, domain: str, address: str, taken: set[str]) -> list[str]:
    """What keeps reports on a domain from an address: it is not taken here, or its own domain does not agree."""
    there = address.rpartition("@")[2]
    if there in mailhost.domain_names:
        faults = [f"{address} is not a mailbox here that was seen to take mail"] * (address not in taken)
        if f".{domain}".endswith(f".{there}") or f".{there}".endswith(f".{domain}"):
            return faults
    elif f".{domain}".endswith(f".{there}") or f".{there}".endswith(f".{domain}"):
        return []
    else:
        faults = []
    agreed = zone.values(f"{domain}._report._dmarc.{there}", "TXT")
    if not any(value.lower().startswith("v=dmarc1") for value in agreed):
        faults.append(f"{there} does not agree to get them ({domain}._report._dmarc.{there})")
    return faults


@control(
    "DMARC-05",
    claim="Only the very domain in From may speak for it, no other name of the same owner",
    reference="RFC 9989 §4.8, §5.3",
    level="strict",
    cost="passive",
)
class AlignmentIsStrict:
    """With relaxed alignment every forgotten subdomain can sign for the main one."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = lacking(mailhost, probes.zone)
        for domain, given in each_policy(mailhost, probes.zone):
            faults += [
                f"{domain}: {tag}={given.get(tag, 'r')}" for tag in ("adkim", "aspf") if given.get(tag, "r") != "s"
            ]
            faults += [f"{domain}: psd=y says that others register names below it"] * (given.get("psd", "u") == "y")
        return holds_unless(faults, remedy='set dmarc_alignment="strict", and publish')


@control(
    "DMARC-10",
    claim="Parked domains let nobody send: SPF -all, DMARC reject, every DKIM key revoked",
    reference="M3AAWG Protecting Parked Domains; RFC 7208 §10.1.2; RFC 6376 §3.6.1",
    cost="passive",
)
class ParkedDomainsAreSilent:
    """A forgotten domain is as believable as a used one."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        if not mailhost.parked_names:
            return Verdict("not applicable", "the fleet has no parked domain")
        faults = []
        for name in mailhost.parked_names:
            spf = policies(probes.zone.values(name, "TXT"))
            faults += [f"{name}: SPF is {' and '.join(spf) or 'missing'}"] * (spf != ["v=spf1 -all"])
            policy = [tags(record) for record in records(probes.zone, name)]
            shut = len(policy) == 1 and policy[0].get("p") == "reject" == policy[0].get("sp", "reject")
            faults += [f"{name}: DMARC is not reject"] * (not shut)
            faults += [f"{name}: DKIM keys are not revoked"] * (revoked(probes.zone, name) != ("v=DKIM1; p=",))
        return holds_unless(faults, remedy=PUBLISH)


def revoked(zone: Zone, name: str) -> tuple[str, ...]:
    """What stands at a selector that was never used."""
    selectors = [place for place, _ in zone.answers if place.endswith(f"._domainkey.{name}")]
    invented = [place for place in selectors if place.startswith(NO_SUCH_NAME)]
    return zone.values(invented[0], "TXT") if invented else ()
