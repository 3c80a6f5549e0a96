"""What stands in the zones besides mail policies: services, authorities, and nothing that leads nowhere."""

from __future__ import annotations

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.firewall import listed_ports
from ironpost.controls.tls import ports_of
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.world import World
from ironpost.mailhost import MailHost

PUBLISH = "run `ironpost dns apply`"
TLS_FIRST = {"_submissions": 465, "_imaps": 993, "_pop3s": 995}
WITHOUT_TLS_FIRST = {"_submission": None, "_imap": "imap", "_pop3": "pop3"}


@control(
    "DNS-03",
    claim="Names that take no mail say so by a null MX, and mail domains have none",
    reference="RFC 7505 §3–4",
    cost="passive",
)
class NullMxWhereNoMailIsTaken:
    """Senders learn at once that an address is wrong, not after five days."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for name in mailhost.parked_names:
            for server, answer in probes.zone.everywhere(name, "MX").items():
                if answer.values != ("0 .",):
                    faults.append(f"{server}: {name}: MX is {', '.join(answer.values) or 'missing'}, not `0 .`")
        for name in mailhost.domain_names:
            for server, answer in probes.zone.everywhere(name, "MX").items():
                faults += [f"{server}: {name} takes mail and has a null MX"] * ("0 ." in answer.values)
        return holds_unless(faults, remedy=PUBLISH)


@control(
    "DNS-04",
    claim="Mail programs are led to services inside TLS, and away from those that are not",
    reference="RFC 6186 §3; RFC 8314 §5.1",
    cost="passive",
)
class ServicesInsideTlsAreFound:
    """A program that guesses tries ports without TLS first, with the password."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for domain in mailhost.domain_names:
            for service, port in TLS_FIRST.items():
                led = probes.zone.values(f"{service}._tcp.{domain}", "SRV")
                if port not in ports_of(mailhost):
                    continue
                if port != 465 and len(mailhost.members("mailbox", domain)) > 1 and mailhost.inner:
                    # Of several hosts with mailboxes none is named: a program could find the wrong one.
                    faults += [f"{service}._tcp.{domain} names {', '.join(led)}"] * bool(led)
                    continue
                mine = [value.split()[2] for value in led if value.split()[3] == mailhost.name]
                if mine != [str(port)]:
                    faults.append(f"{service}._tcp.{domain} is {', '.join(led) or 'missing'}")
            for service, word in WITHOUT_TLS_FIRST.items():
                led = probes.zone.values(f"{service}._tcp.{domain}", "SRV")
                if word not in mailhost.cleartext_ports and led != ("0 0 0 .",):
                    faults.append(f"{service}._tcp.{domain} is {', '.join(led) or 'missing'}, not `0 0 0 .`")
        for address, seen in probes.each("ports"):
            answering = set(ports_of(mailhost)) - listed_ports(mailhost)
            closed = [port for port in TLS_FIRST.values() if port in answering and port not in seen["open"]]
            faults += [f"{address} does not answer on port {port}" for port in closed]
        return holds_unless(faults, remedy=PUBLISH)


@control(
    "DNS-05",
    claim="CAA lets only named authorities issue, for each name of the certificate",
    reference="RFC 8659 §4; RFC 8657; RFC 9495",
    cost="passive",
)
class OnlyNamedAuthoritiesIssue:
    """A hundred authorities are trusted by everybody; any one of them could be talked into a certificate."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for name in mailhost.certificate_names:
            for server, answer in probes.zone.everywhere(name, "CAA").items():
                faults += [f"{server}: {name}: {fault}" for fault in loose(answer.values, mailhost)]
        return holds_unless(faults, remedy="name your CA in certificate_authorities=, and run `ironpost dns apply`")


def loose(values: tuple[str, ...], mailhost: MailHost) -> list[str]:
    """What a set of CAA records leaves open."""
    rows = [value.split(" ", 2) for value in values]
    given = {tag: [text.strip('"') for _, each, text in rows if each == tag] for _, tag, _ in rows}
    if not given.get("issue"):
        return ["names no authority"]
    issuers = {text.partition(";")[0].strip() for text in given["issue"]} - {""}
    faults = [f"{each} may issue, which the inventory does not name" for each in issuers if each not in named(mailhost)]
    faults += [f"{tag} is open" for tag in ("issuewild", "issuemail") if given.get(tag) != [";"]]
    contacts = given.get("iodef", [])
    if not contacts or not all(each.startswith(("mailto:", "https://")) for each in contacts):
        faults.append("iodef names nobody to tell of a refused request")
    return faults


def named(mailhost: MailHost) -> tuple[str, ...]:
    return tuple(mailhost.certificate_authorities)


@control(
    "DNS-06",
    claim="No wildcard answers for names below a mail domain",
    reference="RFC 4592; RFC 7208 §3.5",
    cost="passive",
)
class NoWildcardBelowTheDomain:
    """A wildcard gives every name that a forger may think of an address, a policy or a mailbox."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{server}: {rtype} of any name below {domain} is {', '.join(answer.values) or answer.alias}"
            for domain in mailhost.domain_names
            for rtype in ("MX", "TXT", "A", "AAAA")
            for name in probes.zone.invented(domain, rtype)
            for server, answer in probes.zone.everywhere(name, rtype).items()
            if answer.values or answer.alias
        ]
        return holds_unless(faults, remedy="delete the wildcard (`*`) from the zone")


@control(
    "DNS-09",
    claim="The zones hold what the inventory says",
    reference="ISO/IEC 27001:2022 A.8.9",
    cost="passive",
)
class ZonesAreAsTheInventorySays:
    """A record that somebody changed by hand is changed back by nobody, until mail is lost."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        world = probes.world
        if world.differences is None or world.unread:
            raise NotCollectedError("; ".join(world.unread) or "the zones were not compared")
        return holds_unless(world.differences, remedy=PUBLISH)


@control(
    "DNS-14",
    claim="Nothing in the zone leads to a name that does not exist",
    reference="RFC 2181 §10.3; M3AAWG on takeover of names",
    severity="high",
    cost="passive",
)
class NothingLeadsNowhere:
    """Whoever registers what a record leads to gets the mail, or the passwords."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for domain in mailhost.domain_names:
            probes.zone.everywhere(domain, "MX")  # without it, nothing was looked at
            faults += lost_servers(domain, probes.world)
        for (name, rtype), answers in probes.zone.answers.items():
            if rtype not in ("MX", "SRV") or not below(name, mailhost):
                continue
            targets = {value.split()[-1] for answer in answers for value in answer.values} - {"."}
            faults += [
                f"{name} {rtype} leads to {target}, which has no address"
                for target in sorted(targets)
                if not probes.zone.values(target, "A") and not probes.zone.values(target, "AAAA")
            ]
        return holds_unless(faults, remedy="correct or delete the record; " + PUBLISH)


def lost_servers(domain: str, world: World) -> list[str]:
    """Name servers that the zone names and that have no address."""
    names = {value.rstrip(".") for echo in world.heard(domain, "NS") for value in echo.values}
    return [
        f"{domain} NS leads to {name}, which has no address"
        for name in sorted(names)
        if not any(echo.values for rtype in ("A", "AAAA") for echo in world.heard(name, rtype))
    ]


def below(name: str, mailhost: MailHost) -> bool:
    return any(f".{name}".endswith(f".{domain}") for domain in mailhost.domain_names)
