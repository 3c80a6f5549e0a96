"""The scopes of a fleet, with what its hosts tell of themselves."""

from __future__ import annotations

from ironpost.dns.records import Scope, scopes
from ironpost.dns.told import tellings
from ironpost.errors import InventoryError
from ironpost.fleet import Fleet


def wanted(fleet: Fleet, limit: tuple[str, ...] = ()) -> tuple[tuple[Scope, ...], list[str]]:
    """All scopes that `limit` leaves (host or domain names; empty: all), and a sentence for each host not read."""
    mailhosts = fleet.mailhosts
    every = scopes(mailhosts, {}, fleet.parked)
    chosen = [scope for scope in every if not limit or named(scope, limit)]
    strangers = [name for name in limit if not any(named(scope, (name,)) for scope in every)]
    if strangers:
        raise InventoryError(f"--limit {strangers[0]}: no such mail host or domain; see `ironpost check`")
    names = {scope.name for scope in chosen}
    about = {each.name for scope in chosen if not scope.parked for each in scope.mailhosts}
    told, unread = tellings(each for each in mailhosts if each.name in about)
    return tuple(scope for scope in scopes(mailhosts, told, fleet.parked) if scope.name in names), unread


def named(scope: Scope, limit: tuple[str, ...]) -> bool:
    about = () if scope.parked else scope.mailhosts
    return scope.name in limit or any(mailhost.name in limit for mailhost in about)
