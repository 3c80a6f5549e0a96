"""What each zone should hold when it is published some other way: our values, and those of others that must stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ironpost.dns.plan import Change
from ironpost.dns.recordset import RecordSet
from ironpost.dns.survey import Survey
from ironpost.dns.zone import Place, Seen


@dataclass(frozen=True)
class Desired:
    """All values at one place. `others`: those that are not ours and stay. `withheld`: why nothing is to be done."""

    name: str
    rtype: str
    values: tuple[str, ...]
    others: tuple[str, ...]
    reasons: tuple[str, ...]
    withheld: str = ""


def desired(survey: Survey) -> dict[str, list[Desired]]:
    """Zone → places, in the order of the plan; what the settings no longer name is not among them."""
    zones: dict[str, list[Desired]] = {}
    for plan in survey.plans:
        zones.setdefault(plan.zone, []).extend(joined(plan.changes, plan.seen))
    for each in survey.by_hand:
        found = each.changes or tuple(unseen(each.scope.name, wanted) for wanted in each.scope.sets)
        zones.setdefault(each.zone, []).extend(joined(found, each.seen))
    return zones


def unseen(scope: str, wanted: RecordSet) -> Change:
    """A wanted set as a change of an empty place, where nothing could be read."""
    return Change("?" if wanted.values is None else "+", wanted.id, (), wanted.values or (), wanted.reason, scope)


def joined(changes: Iterable[Change], seen: Mapping[Place, Seen]) -> list[Desired]:
    """One row for each place, however many sets of ours stand there."""
    by_place: dict[Place, list[Change]] = {}
    for change in changes:
        if change.sign != "-":
            by_place.setdefault((change.id.name, change.id.rtype), []).append(change)
    return [row(place, group, seen.get(place, Seen())) for place, group in by_place.items()]


def row(place: Place, group: list[Change], seen: Seen) -> Desired:
    ours = tuple(value for change in group for value in change.after)
    others = tuple(value for value in seen.values if not any(change.id.holds(value) for change in group))
    held = [withheld(change) for change in group if change.sign in "!?"]
    return Desired(*place, ours, others, tuple(change.reason for change in group), "; ".join(held))


def withheld(change: Change) -> str:
    if change.sign == "?":
        return "is not known now"
    return f"stands there with {' and '.join(change.before) or 'an alias'}, which is somebody else's; you decide"
