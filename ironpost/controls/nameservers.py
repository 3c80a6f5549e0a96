"""How a mail domain's name servers treat strangers, and whether there are enough of them."""

from __future__ import annotations

import ipaddress

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.evidence.probes import Probes
from ironpost.evidence.world import Server
from ironpost.mailhost import MailHost

REFUSALS = ("REFUSED", "NOTAUTH", "NOTIMP", "no answer")


@control(
    "DNS-07",
    claim="Two name servers in different networks answer alike, over UDP and TCP, IPv4 and IPv6",
    reference="RFC 2182 §3; RFC 7766 §5; RFC 3901 §3",
    severity="high",
)
class NameServersAreTwoAndAgree:
    """One cut cable must not make a domain vanish, mail and all."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for domain in mailhost.domain_names:
            servers = probes.world.servers_of(domain)
            faults += [f"{each.address}: no answer for {domain} by UDP" for each in servers if each.serial_udp is None]
            faults += [f"{each.address}: no answer for {domain} by TCP" for each in servers if each.serial_tcp is None]
            serials = {each.serial_udp for each in servers} | {each.serial_tcp for each in servers}
            if len(serials - {None}) > 1:
                faults.append(
                    f"{domain}: the servers have different serial numbers {sorted(serials - {None}, key=str)}"
                )
            faults += [f"{domain}: {fault}" for fault in too_close(servers)]
        return holds_unless(faults, remedy="see that each server is up and receives the zone; name all in servers=")


def too_close(servers: tuple[Server, ...]) -> list[str]:
    """Two networks of each kind of address: /24 and /48."""
    found = []
    for version, length in ((4, 24), (6, 48)):
        ours = [each.address for each in servers if ipaddress.ip_address(each.address).version == version]
        networks = {ipaddress.ip_network(f"{address}/{length}", strict=False) for address in ours}
        if len(networks) < (2 if version == 4 else 1):
            found.append(f"its IPv{version} name servers are in {len(networks)} network{'s' * (len(networks) != 1)}")
    return found


@control(
    "DNS-10",
    claim="The name servers of mail domains resolve nothing for strangers",
    reference="RFC 5358 (BCP 140)",
)
class NameServersDoNotRecurse:
    """An open resolver is a weapon against others, and its memory can be poisoned."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{each.address} answers for names of others"
            for domain in mailhost.domain_names
            for each in probes.world.servers_of(domain)
            if each.recurses
        ]
        return holds_unless(faults, remedy="turn recursion off on that server")


@control(
    "DNS-11",
    claim="No stranger gets a whole zone",
    reference="RFC 5936 §5; RFC 8945; NIST SP 800-81r2",
)
class ZonesAreNotGivenAway:
    """A zone lists every host worth attacking."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{each.address} gives {domain} away by AXFR"
            for domain in mailhost.domain_names
            for each in probes.world.servers_of(domain)
            if each.transfers
        ]
        return holds_unless(faults, remedy="allow transfers by TSIG key only on that server")


@control(
    "DNS-12",
    claim="A change that nobody signed is refused",
    reference="RFC 2136 §8; RFC 3007; RFC 8945",
    severity="critical",
)
class UnsignedUpdatesAreRefused:
    """Whoever may change the MX has all mail from then on."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{each.address} answers {each.updates} to a change of {domain} that nobody signed"
            for domain in mailhost.domain_names
            for each in probes.world.servers_of(domain)
            if each.updates not in REFUSALS
        ]
        return holds_unless(faults, remedy="allow updates by TSIG key only on that server")
