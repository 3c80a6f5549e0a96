"""Who answers for a mail domain, in the words of its parent, of itself, and of the inventory."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.controls.control import Verdict, control, holds_unless, not_applicable
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.mailhost import MailHost


@control(
    "DNS-08",
    claim="Parent, zone and inventory name the same name servers, each with addresses and none by an alias",
    reference="RFC 1034 §4.2.2; RFC 2181 §10.3; RFC 1912 §2.8",
    cost="passive",
)
class DelegationAgrees:
    """A server that only one of them knows is forgotten one day, and goes on answering what was true once."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        zones = [name for name in mailhost.domain_names if servers_named(probes, name)]
        if not zones:
            return not_applicable("no mail domain of this host is a zone of its own")
        faults = [fault for name in zones for fault in disagreements(mailhost, probes, name)]
        return holds_unless(
            faults, remedy="give the registrar, the zone and servers= of the inventory the same servers"
        )


def servers_named(probes: Probes, name: str) -> set[str]:
    """The NS set of the zone, as resolvers hear it."""
    return {value.rstrip(".").lower() for echo in probes.world.heard(name, "NS") for value in echo.values}


def disagreements(mailhost: MailHost, probes: Probes, name: str) -> Iterator[str]:
    own = servers_named(probes, name)
    above = probes.world.delegations.get(name)
    if above is None:
        raise NotCollectedError(f"{name}: no name server of the zone above it could be asked")
    yield from (f"{name}: its parent names {each}, the zone does not" for each in sorted(set(above) - own))
    yield from (f"{name}: the zone names {each}, its parent does not" for each in sorted(own - set(above)))
    addresses = {each: addresses_of(probes, each) for each in sorted(own)}
    yield from (f"{name}: its name server {each} has no address" for each, found in addresses.items() if not found)
    updates = next(domain.dns for domain in mailhost.domains if domain.name == name)
    if updates:
        yield from unknown_servers(name, addresses, set(updates.servers))


def unknown_servers(name: str, addresses: dict[str, set[str]], known: set[str]) -> Iterator[str]:
    """One address of each server is enough: not every controller has IPv6."""
    for server, found in addresses.items():
        if found and not found & known:
            yield f"{name}: its name server {server} stands not in servers="
    for address in sorted(known - {each for found in addresses.values() for each in found}):
        yield f"{name}: {address} stands in servers=, and belongs to no name server of the zone"


def addresses_of(probes: Probes, server: str) -> set[str]:
    """Of a name server; an alias has none of its own."""
    echoes = [echo for rtype in ("A", "AAAA") for echo in probes.world.heard(server, rtype)]
    return {value for echo in echoes for value in echo.values}
