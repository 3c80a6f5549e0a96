"""Which name servers have authority over a name: those of the inventory, else those that its resolvers find.

One `NameServers` is shared by all hosts of a verification, so that each server is asked once for each thing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ironpost.compliance.places import pointer_name
from ironpost.dns import survey
from ironpost.dns.authority import authorities
from ironpost.dns.resolver import Resolver, resolvers
from ironpost.evidence.world import Server
from ironpost.evidence.zone import Answer
from ironpost.fleet import Fleet
from ironpost.once import Once
from ironpost.settings import Rfc2136


@dataclass(frozen=True)
class NameServers:
    """`named`: suffix → addresses. Of other names the provider's servers are asked: of pointers often.

    `answers`, `looks` and `held` remember what was asked in this run, and `silent` who gave no answer.
    """

    named: Mapping[str, tuple[str, ...]]
    asked: Sequence[Resolver] = ()
    answers: Once[Answer] = field(default_factory=Once)
    looks: Once[tuple[Server, ...]] = field(default_factory=Once)
    found: Once[tuple[str, ...]] = field(default_factory=Once)
    held: survey.NameServers = field(default_factory=survey.NameServers)
    silent: set[str] = field(default_factory=set)

    def of(self, name: str) -> tuple[str, ...]:
        """Those of the longest suffix that is named, else those that are found; ("",) when there are none."""
        suffix = name
        while suffix and suffix not in self.named:
            suffix = suffix.partition(".")[2]
        return self.named[suffix] if suffix else self.found(name, lambda: self._found(name))

    def _found(self, name: str) -> tuple[str, ...]:
        return authorities(survey.zone_of(name, self.asked), self.asked) or ("",)


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
