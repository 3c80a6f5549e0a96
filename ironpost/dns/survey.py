"""Reads the zones of all scopes and plans each of them; what cannot be read stops only its own zone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ironpost.dns.costs import with_costs
from ironpost.dns.plan import Change, Decisions, ZonePlan, changes, places, registered
from ironpost.dns.records import Scope
from ironpost.dns.registry import registry_name
from ironpost.dns.resolver import Heard, Resolver, first_answer
from ironpost.dns.zone import NameServer, NoAnswerError, Place, Seen
from ironpost.errors import DnsError
from ironpost.settings import Rfc2136

Publication = tuple[str, str, str]  # zone, primary, key: what goes into one update


@dataclass(frozen=True)
class ByHand:
    """A scope that the operator publishes elsewhere, against what resolvers hear. `error`: why nothing is known."""

    zone: str
    scope: Scope
    changes: tuple[Change, ...] = ()
    seen: Mapping[Place, Seen] = field(default_factory=dict)
    error: str = ""

    @property
    def lacking(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.sign in "+!~")


@dataclass
class Survey:
    """The plans of those zones that could be read, and the errors of the others.

    `silent` are the sentences on servers that did not answer; `errors` holds those of all kinds.
    """

    plans: list[ZonePlan] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)
    by_hand: list[ByHand] = field(default_factory=list)

    def note(self, error: DnsError) -> None:
        kind = self.silent if isinstance(error, NoAnswerError) else self.errors
        if str(error) not in kind:
            kind.append(str(error))


class NameServers:
    """The authoritative servers by address, each asked once for each thing."""

    def __init__(self, *servers: NameServer) -> None:
        self._servers = {server.address: server for server in servers}

    def at(self, address: str) -> NameServer:
        return self._servers.setdefault(address, NameServer(address))


def survey(
    scopes: Iterable[Scope],
    decisions: Decisions,
    servers: NameServers | None = None,
    asked: Sequence[Resolver] = (),
) -> Survey:
    """Plans all scopes, zone by zone; those without a way to publish are compared with what `asked` hear."""
    servers = servers or NameServers()
    result = Survey()
    groups: dict[Publication, list[Scope]] = {}
    for scope in scopes:
        if scope.updates is None:
            result.by_hand.append(by_hand(scope, asked))
            continue
        try:
            zone = servers.at(scope.updates.primary).apex(scope.name)
        except DnsError as error:
            result.note(error)
            continue
        groups.setdefault((zone, scope.updates.primary, scope.updates.key.name), []).append(scope)
    for (zone, _primary, _key), group in groups.items():
        try:
            result.plans.append(zone_plan(zone, tuple(group), decisions, servers, result))
        except DnsError as error:
            result.note(error)
    others = [change for each in result.by_hand for change in each.changes]
    result.plans = with_costs(result.plans, others, asked)
    return result


def by_hand(scope: Scope, asked: Sequence[Resolver]) -> ByHand:
    """What the world sees of a scope; there is no registry, so that whatever differs is somebody else's."""
    zone = zone_of(scope.name, asked)
    heard = {place: first_answer(asked, *place) for place in places(scope, {})}
    errors = [each.error for each in heard.values() if each.error]
    if errors:
        return ByHand(zone, scope, error=errors[0])
    unsigned = any(each.signed_only for each in scope.sets) and not first_answer(asked, zone, "SOA").secure
    kept = replace(scope, sets=tuple(each for each in scope.sets if not (unsigned and each.signed_only)))
    seen = {place: seen_of(each) for place, each in heard.items()} | {(registry_name(scope.name), "TXT"): Seen()}
    return ByHand(zone, kept, changes(kept, seen, {}), seen)


def zone_of(name: str, asked: Sequence[Resolver]) -> str:
    """The zone that a name lies in: the nearest name above it that has a SOA; the name itself where none is found."""
    above = name
    while above:
        heard = first_answer(asked, above, "SOA")
        if heard.values or heard.error:
            return above if heard.values else name
        above = above.partition(".")[2]
    return name


def seen_of(heard: Heard) -> Seen:
    return Seen(heard.values, heard.left, heard.alias)


def zone_plan(
    zone: str, scopes: tuple[Scope, ...], decisions: Decisions, servers: NameServers, result: Survey
) -> ZonePlan:
    updates = updates_of(scopes[0])
    scopes, unsigned = believable(zone, scopes, updates, servers)
    seen = read(servers.at(updates.primary), scopes)
    found = tuple(change for scope in scopes for change in changes(scope, seen, decisions))
    behind: list[str] = []
    with ThreadPoolExecutor() as pool:
        primary = servers.at(updates.primary)
        for told in pool.map(lambda address: behind_of(servers.at(address), primary, seen), updates.servers):
            if isinstance(told, DnsError):
                result.note(told)
            else:
                behind += told
    return ZonePlan(zone, updates, scopes, found, seen, tuple(behind), unsigned)


def behind_of(server: NameServer, primary: NameServer, seen: dict[Place, Seen]) -> list[str] | DnsError:
    """What a server shows unlike the primary, or why that is not known; so that all are asked at once."""
    server.believe(primary)
    try:
        return differences(server.address, seen, server.read_all(seen))
    except DnsError as error:
        return error


def believable(
    zone: str, scopes: tuple[Scope, ...], updates: Rfc2136, servers: NameServers
) -> tuple[tuple[Scope, ...], tuple[str, ...]]:
    """The scopes without what nobody would believe in an unsigned zone, and a sentence on what that is.

    A primary may be signed on the way to those that the world asks, so all of them are asked. Raises DnsError.
    """
    needing = {each.id.rtype for scope in scopes for each in scope.sets if each.signed_only}
    if not needing or any(
        servers.at(address).signed(zone) for address in dict.fromkeys((updates.primary, *updates.servers))
    ):
        return scopes, ()
    kept = tuple(replace(scope, sets=tuple(each for each in scope.sets if not each.signed_only)) for scope in scopes)
    lost = " and ".join(sorted(needing))
    return kept, (f"{zone}: is not signed (RFC 4033), so {lost} records would prove nothing and are left out; sign it",)


def updates_of(scope: Scope) -> Rfc2136:
    """How a scope is published. Only scopes that are get this far."""
    if scope.updates is None:
        raise DnsError(f"{scope.name}: has no dns=; add it, or publish by hand")
    return scope.updates


def read(server: NameServer, scopes: tuple[Scope, ...]) -> dict[Place, Seen]:
    """The registry first, since it tells what else is ours; then everything else."""
    seen = server.read_all((registry_name(scope.name), "TXT") for scope in scopes)
    wanted = [place for scope in scopes for place in places(scope, registered(scope, seen))]
    return seen | server.read_all(wanted)


def differences(address: str, seen: dict[Place, Seen], here: dict[Place, Seen]) -> list[str]:
    return [
        f"{address}: shows {' and '.join(here[place].values) or 'nothing'} for {' '.join(place)}, unlike the primary; "
        "see whether it receives the zone"
        for place in seen
        if (here[place].values, here[place].alias) != (seen[place].values, seen[place].alias)
    ]
