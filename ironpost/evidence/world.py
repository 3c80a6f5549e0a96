"""The DNS as the world has it: what validating resolvers hear, how name servers behave, what differs from the plan."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ironpost.evidence import NotCollectedError
from ironpost.evidence.zone import Place


@dataclasses.dataclass(frozen=True)
class Echo:
    """What one resolver answered. `secure`: it validated. `bogus`: it refused because a signature does not hold."""

    resolver: str
    values: tuple[str, ...] = ()
    secure: bool = False
    bogus: bool = False
    error: str | None = None


@dataclasses.dataclass(frozen=True)
class Server:
    """How one name server treats a stranger. Serials are None where it does not answer that way.

    `recurses`: it answers for names of others. `transfers`: it gave the whole zone away. `updates`: what it said to a
    change that nobody signed. `signed_days`: for how many days the first signature to end still holds (below
    0: it ended); None where something is not signed.
    """

    address: str
    serial_udp: int | None = None
    serial_tcp: int | None = None
    recurses: bool = False
    transfers: bool = False
    updates: str = "no answer"
    signed_days: float | None = None


@dataclasses.dataclass(frozen=True)
class World:
    """`servers` are those of each mail domain; `differences` between the inventory and the zones, in words.

    `delegations`: the names of name servers that the parent's own servers refer to, for each mail domain that is a zone
    of its own; None where the parent's servers could not be asked.
    """

    echoes: Mapping[Place, tuple[Echo, ...]]
    servers: Mapping[str, tuple[Server, ...]]
    differences: tuple[str, ...] | None = None
    unread: tuple[str, ...] = ()
    delegations: Mapping[str, tuple[str, ...] | None] = dataclasses.field(default_factory=dict)

    def heard(self, name: str, rtype: str) -> tuple[Echo, ...]:
        """One echo for each resolver. Raises NotCollectedError when one could not be asked."""
        found = self.echoes.get((name, rtype), ())
        if not found:
            raise NotCollectedError(f"{name} {rtype}: no resolver was asked")
        for echo in found:
            if echo.error and not echo.bogus:
                raise NotCollectedError(echo.error)
        return found

    def servers_of(self, domain: str) -> tuple[Server, ...]:
        if not self.servers.get(domain):
            raise NotCollectedError(f"{domain}: no name server is known")
        return self.servers[domain]
