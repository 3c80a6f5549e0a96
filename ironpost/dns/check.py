"""Whether the world sees what is wanted: every authoritative server, and resolvers, which are late by design.

What is late is *waiting* and says for how long; what will not come by itself is *wrong*.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from ironpost.dns.authority import Authority, authorities, is_older
from ironpost.dns.plan import Change
from ironpost.dns.recordset import SetId
from ironpost.dns.resolver import Resolver
from ironpost.dns.survey import NameServers, Survey

State = Literal["right", "waiting", "wrong", "unknown"]
Wanted = dict[SetId, tuple[str, ...]]


@dataclass(frozen=True)
class Sight:
    """What one server shows of one thing. `left`: seconds until it may be right by itself."""

    state: State
    zone: str
    server: str
    what: str
    left: int = 0

    def sentence(self) -> str:
        return f"{self.state}: {self.server}: {self.what}" if self.server else f"{self.state}: {self.what}"


@dataclass(frozen=True)
class Published:
    """What one zone must show, and the addresses of its servers. `changes` are those that wait for the operator."""

    zone: str
    addresses: tuple[str, ...]
    wanted: Wanted
    changes: tuple[Change, ...]
    remedy: str


def check(found: Survey, asked: Sequence[Resolver], servers: NameServers | None = None) -> list[Sight]:
    """Everything that is not right, and one row for each zone that is."""
    servers = servers or NameServers()
    return [sight for each in published(found, asked) for sight in zone_sights(each, servers, asked)]


def published(found: Survey, asked: Sequence[Resolver]) -> Iterator[Published]:
    """Of a zone that we publish, what its primary shows as wanted; of one published by hand, everything."""
    for plan in found.plans:
        addresses = tuple(dict.fromkeys((plan.updates.primary, *plan.updates.servers)))
        done = {each.id: each.after for each in plan.changes if each.sign == "=" and each.rule != "keep"}
        open_ones = tuple(each for each in plan.changes if each.pending or each.sign in "?!")
        yield Published(plan.zone, addresses, done, open_ones, "see whether it receives the zone")
    for one in found.by_hand:
        if not one.error:
            known = {each.id: each.after for each in one.changes if each.sign != "?"}
            unknown = tuple(each for each in one.changes if each.sign == "?")
            yield Published(one.zone, authorities(one.zone, asked), known, unknown, "publish what is wanted there")


def zone_sights(each: Published, servers: NameServers, asked: Sequence[Resolver]) -> list[Sight]:
    sights = list(unpublished(each))
    read = [servers_view(each, address, servers) for address in each.addresses]
    sights += [Sight("unknown", each.zone, view.address, view.error) for view in read if view.error]
    answered = [view for view in read if not view.error]
    sights += list(server_sights(each, answered))
    late = {what for sight in sights for what in [sight.what.partition(":")[0]]}
    for resolver in asked:
        sights += resolver_sights(each, resolver, late, any(view.signed for view in answered))
    return sights or [Sight("right", each.zone, "", right(each, answered, asked))]


def right(each: Published, answered: list[Authority], asked: Sequence[Resolver]) -> str:
    signed = "signed and validated" if any(view.signed for view in answered) else "not signed"
    serials = ", ".join(sorted({str(view.serial) for view in answered}))
    where = f"{counted(len(answered), 'server address')} (serial {serials}) and {counted(len(asked), 'resolver')}"
    return f"{each.zone}: {counted(len(each.wanted), 'record set')} at {where}; {signed}"


def counted(number: int, word: str) -> str:
    plural = "es" if word.endswith("s") else "s"
    return f"{number} {word}{plural * (number != 1)}"


def unpublished(each: Published) -> Iterator[Sight]:
    """What no server can be expected to show."""
    for change in each.changes:
        shown = " and ".join(change.before) or "nothing"
        if change.sign == "?":
            yield Sight("unknown", each.zone, "", f"{change.id}: its value is not known now")
        else:
            yield Sight("wrong", each.zone, "", f"{change.id}: is {shown}; run `ironpost dns plan`, then apply")


def servers_view(each: Published, address: str, servers: NameServers) -> Authority:
    return Authority.read(servers.at(address), each.zone, [(wanted.name, wanted.rtype) for wanted in each.wanted])


def server_sights(each: Published, answered: list[Authority]) -> Iterator[Sight]:
    """A server that has an older zone waits for the newer one (RFC 1034 §4.3.5); any other difference stays."""
    newest = newest_of(answered)
    signed = any(view.signed for view in answered)
    for view in answered:
        lags = newest is not None and is_older(view.serial, newest.serial)
        why = f"has serial {view.serial}, {newest.address} has {newest.serial}" if newest else ""
        wrong = {wanted: view.values(wanted) for wanted, values in each.wanted.items() if view.values(wanted) != values}
        told = [f"{wanted}: shows {' and '.join(shown) or 'nothing'}" for wanted, shown in wrong.items()]
        if lags:
            yield from (waiting(each, view, f"{what}; {why}") for what in told or [f"{each.zone} SOA: is older"])
        else:
            yield from (Sight("wrong", each.zone, view.address, f"{what}; {each.remedy}") for what in told)
        if signed and not view.signed:
            what = f"{each.zone} DNSKEY: is missing, and other servers have it; see whether it gets the signed zone"
            yield Sight("wrong", each.zone, view.address, what)


def newest_of(answered: list[Authority]) -> Authority | None:
    return next((view for view in answered if not any(is_older(view.serial, each.serial) for each in answered)), None)


def waiting(each: Published, view: Authority, what: str) -> Sight:
    """It asks its primary again after the refresh of the SOA that it has (RFC 1035 §3.3.13)."""
    return Sight("waiting", each.zone, view.address, f"{what}; it asks again within {view.refresh} s", view.refresh)


def resolver_sights(each: Published, resolver: Resolver, late: Iterable[str], signed: bool) -> Iterator[Sight]:
    """A resolver may give an old answer until its time is over; one that does not validate is believed by nobody."""
    heard = resolver.ask_all((wanted.name, wanted.rtype) for wanted in each.wanted)
    for wanted, values in each.wanted.items():
        answer = heard[wanted.name, wanted.rtype]
        shown = tuple(value for value in answer.values if wanted.holds(value))
        if answer.error:
            yield Sight("wrong" if answer.bogus else "unknown", each.zone, "", answer.error)
        elif shown != values and str(wanted) not in late:
            what = f"{wanted}: remembers {' and '.join(shown) or 'nothing'}; waiting for TTL ({answer.left} s left)"
            yield Sight("waiting", each.zone, resolver.address, what, answer.left)
        elif shown == values and signed and not answer.secure and resolver.validates:
            what = f"{wanted}: is signed and not validated; see that the parent zone has the DS"
            yield Sight("wrong", each.zone, resolver.address, what)
    if signed and not resolver.validates:
        what = f"{each.zone}: this resolver validates nothing; name one that does in resolvers="
        yield Sight("unknown", each.zone, resolver.address, what)
