"""Which name servers have authority over a name: those of the inventory, else those that its resolvers find."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from ironpost.compliance.places import pointer_name
from ironpost.dns.authority import authorities
from ironpost.dns.resolver import Resolver, resolvers
from ironpost.dns.survey import zone_of
from ironpost.fleet import Fleet
from ironpost.settings import Rfc2136


@dataclasses.dataclass(frozen=True)
class NameServers:
    """`named`: suffix → addresses. Of other names the provider's servers are asked: of pointers often."""

    named: Mapping[str, tuple[str, ...]]
    asked: Sequence[Resolver] = ()

    def of(self, name: str) -> tuple[str, ...]:
        """Those of the longest suffix that is named, else those that are found; ("",) when there are none."""
        suffixes = [suffix for suffix in self.named if name == suffix or name.endswith("." + suffix)]
        if suffixes:
            return self.named[max(suffixes, key=len)]
        return authorities(zone_of(name, self.asked), self.asked) or ("",)


def name_servers(fleet: Fleet) -> NameServers:
    """Of all zones of a fleet, those of pointers among them."""
    named: dict[str, tuple[str, ...]] = {}
    for mailhost in fleet.mailhosts:
        for domain in mailhost.domains:
            if domain.dns:
                named[domain.name] = domain.dns.servers
        for address in mailhost.addresses:
            named |= reverse_servers(address, mailhost.reverse_dns)
    return NameServers(named, resolvers(fleet.resolvers))


def reverse_servers(address: str, updates: Rfc2136 | None) -> dict[str, tuple[str, ...]]:
    return {pointer_name(address): updates.servers} if updates else {}
