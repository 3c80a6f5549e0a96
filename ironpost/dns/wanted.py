"""The scopes of a fleet, with what its hosts tell of themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ironpost.dns.records import Layout, Scope, Told, pointer_scopes, scopes
from ironpost.dns.told import tellings
from ironpost.errors import InventoryError
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost
from ironpost.settings import Parked

# Hosts → what each tells, by name, and a sentence for each that tells nothing.
Teller = Callable[[Iterable[MailHost]], tuple[dict[str, Told | None], list[str]]]


def wanted(
    fleet: Fleet, limit: tuple[str, ...] = (), tell: Teller = tellings, layout: Layout | None = None
) -> tuple[tuple[Scope, ...], list[str]]:
    """All scopes that `limit` leaves (host or domain names; empty: all), and a sentence for each host not read."""
    layout = layout or Layout(fleet.mailhosts)
    names = chosen(layout, fleet.parked, limit) if limit else None
    domains = (name for name in layout.serving if names is None or name in names)
    about = {each.name for name in domains for each in layout.about(name)}
    about |= {each.name for each in fleet.mailhosts if names is None or names & set(pointers(each))}
    told, unread = tell(each for each in fleet.mailhosts if each.name in about)
    return scopes(fleet.mailhosts, told, fleet.parked, names, layout), unread


def chosen(layout: Layout, parked: tuple[Parked, ...], limit: tuple[str, ...]) -> set[str]:
    """Names of the scopes that these names mean. Raises InventoryError for one that means none."""
    found: set[str] = set()
    asleep = {each.name for each in parked}
    for name in limit:
        mailhost = layout.by_name.get(name)
        meant = set(layout.domains_of(mailhost)) | set(pointers(mailhost)) if mailhost else set()
        meant |= {name} & (asleep | layout.serving.keys() | owners(layout, name))
        if not meant:
            raise InventoryError(f"--limit {name}: no such mail host or domain; see `ironpost check`")
        found |= meant
    return found


def owners(layout: Layout, name: str) -> set[str]:
    """A pointer may be named too, and is looked for only where it can be one."""
    if not name.endswith(".arpa"):
        return set()
    return {pointer for mailhost in layout.mailhosts for pointer in pointers(mailhost)}


def pointers(mailhost: MailHost) -> Iterator[str]:
    return (scope.name for scope in pointer_scopes(mailhost))
