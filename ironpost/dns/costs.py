"""Plans with what each SPF policy will cost receivers; what is planned counts as if it stood there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ironpost.dns.plan import Change, ZonePlan
from ironpost.dns.resolver import Resolver, first_answer
from ironpost.dns.spf_cost import Ask, spf_cost
from ironpost.dns.zone import Place


def with_costs(plans: list[ZonePlan], others: Iterable[Change], asked: Sequence[Resolver]) -> list[ZonePlan]:
    """The same plans, with a note on each policy, and a fault where one that would be published is too dear."""
    planned: dict[Place, tuple[str, ...]] = {}
    for change in (*(change for plan in plans for change in plan.changes), *others):
        place = (change.id.name, change.id.rtype)
        planned[place] = (*planned.get(place, ()), *change.after)

    def ask(name: str, rtype: str) -> tuple[str, ...] | None:
        if (name, rtype) in planned:
            return planned[name, rtype]
        heard = first_answer(asked, name, rtype)
        return None if heard.error else heard.values

    return [priced(plan, ask) for plan in plans]


def priced(plan: ZonePlan, ask: Ask) -> ZonePlan:
    notes, faults = list(plan.notes), list(plan.faults)
    for change in plan.changes:
        if change.id.part == "spf" and change.after:
            cost = spf_cost(change.after[0], change.id.name, ask)
            notes.append(f"{change.id.name}: SPF {cost.sentence()}")
            # What stands there already is told, broken as it may be; it keeps nothing else from being published.
            broken_before = any(spf_cost(policy, change.id.name, ask).excess for policy in change.before)
            kind = faults if change.pending and not broken_before else notes
            kind += [f"{change.id}: {fault}; receivers take it for an error (RFC 7208 §4.6.4)" for fault in cost.excess]
    return replace(plan, notes=tuple(notes), faults=tuple(faults))
