"""The scopes of a fleet, with the public keys that its hosts tell."""

from __future__ import annotations

from ironpost.dns.keys import public_keys
from ironpost.dns.records import Scope, scopes
from ironpost.errors import InventoryError
from ironpost.fleet import Fleet


def wanted(fleet: Fleet, limit: tuple[str, ...] = ()) -> tuple[tuple[Scope, ...], list[str]]:
    """All scopes that `limit` leaves (host or domain names; empty: all), and a sentence for each host not read."""
    mailhosts = fleet.mailhosts
    every = scopes(mailhosts, {}, fleet.parked)
    chosen = [scope.name for scope in every if not limit or named(scope, limit)]
    strangers = [name for name in limit if not any(named(scope, (name,)) for scope in every)]
    if strangers:
        raise InventoryError(f"--limit {strangers[0]}: no such mail host or domain; see `ironpost check`")
    signing = [each for each in mailhosts if set(each.domain_names) & set(chosen)]
    keys, unread = public_keys(signing)
    return tuple(scope for scope in scopes(mailhosts, keys, fleet.parked) if scope.name in chosen), unread


def named(scope: Scope, limit: tuple[str, ...]) -> bool:
    about = () if scope.parked else scope.mailhosts
    return scope.name in limit or any(mailhost.name in limit for mailhost in about)
