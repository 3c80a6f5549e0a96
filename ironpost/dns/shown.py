"""Plans and outcomes as text, as a zone file and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from ironpost.dns.apply import Outcome
from ironpost.dns.check import Sight
from ironpost.dns.plan import Change, ZonePlan
from ironpost.dns.records import Scope
from ironpost.dns.recordset import TTL, rdata_of
from ironpost.dns.requests import Request, request_lines
from ironpost.dns.survey import ByHand, Survey
from ironpost.settings import readable_name

LONGEST = 100  # characters of a value on a screen; zone files and JSON have all of it


def plan_lines(found: Survey, unread: list[str], asked_for: Iterable[tuple[Request, str]] = ()) -> Iterator[str]:
    """The difference for people: + new, - deleted, ~ changed, = as wanted, ! conflict, ? not known now."""
    for plan in found.plans:
        yield f"{readable_name(plan.zone)} (updates go to {plan.updates.primary} with the key {plan.updates.key.name})"
        for change in plan.changes:
            yield from change_lines(change)
        yield from (f"  due: {sentence}" for sentence in plan.due)
        yield from (f"  behind: {sentence}" for sentence in plan.behind)
        yield from (f"  note: {sentence}" for sentence in plan.notes)
        yield from (f"  fault: {sentence}" for sentence in plan.faults)
    for each in found.by_hand:
        yield from by_hand_lines(each)
    for request, shown in asked_for:
        yield from request_lines(request, shown)
    yield from (*found.errors, *found.silent, *unread)
    yield summary(found)


def by_hand_lines(each: ByHand) -> Iterator[str]:
    """What the operator has to do elsewhere; without an answer, all that is wanted."""
    yield f"{readable_name(each.scope.name)} (no dns= in the inventory: publish these by hand)"
    if each.error:
        yield f"  not compared with what stands there: {each.error}"
        yield from (f"  {line}" for line in zone_lines(each.scope))
    for change in each.changes:
        yield from change_lines(change, "is not as wanted; whoever publishes this zone decides")


def change_lines(change: Change, conflict: str = "") -> Iterator[str]:
    """Values before and after where they differ, else once; the reason above them, as in our templates."""
    place = f"{change.id.name} {change.id.rtype}"
    row = f" [{change.rule}]" if change.old_rule != change.rule and change.rule else ""
    yield f"  {change.sign} {place}{row}  # {change.reason}"
    if change.sign == "!" and change.before != change.after and change.before:
        options = "--adopt, --merge or --keep" if change.id.part == "spf" else "--adopt or --keep"
        said = f"holds somebody else's; decide with {options} {change.id.name}/{change.id.rtype}"
        yield f"      {conflict or said}"
    if change.before == change.after:
        yield from (f"      {shortened(value)}" for value in change.after)
        return
    yield from (f"      - {shortened(value)}" for value in change.before)
    yield from (f"      + {shortened(value)}" for value in change.after)


def shortened(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}… ({len(value)} characters)"


def summary(found: Survey) -> str:
    signs = [change.sign for plan in found.plans for change in plan.changes]
    words = {"+": "new", "~": "changed", "-": "deleted", "=": "as wanted", "!": "in conflict", "?": "unknown"}
    counts = ", ".join(f"{signs.count(sign)} {word}" for sign, word in words.items() if sign in signs)
    pending = any(plan.pending or plan.due for plan in found.plans)
    silent = found.errors or found.silent
    verdict = "changes are pending" if pending else "not everything could be read" if silent else "nothing to do"
    return f"{verdict}: {counts}" if counts else verdict


def zone_lines(scope: Scope) -> Iterator[str]:
    """What a scope wants as lines of a zone file (RFC 1035 §5.1), each set under its reason."""
    for each in scope.sets:
        yield f"; {each.reason}"
        if each.values is None:
            yield f"; {each.id.name}. {TTL} IN {each.id.rtype} is not known now"
        for value in each.values or ():
            yield f"{each.id.name}. {TTL} IN {each.id.rtype} {rdata_of(each.id.rtype, value).to_text()}"


def plan_json(plan: ZonePlan) -> dict[str, Any]:
    return {
        "zone": plan.zone,
        "primary": plan.updates.primary,
        "servers": list(plan.updates.servers),
        "key": plan.updates.key.name,
        "due": list(plan.due),
        "behind": list(plan.behind),
        "notes": list(plan.notes),
        "faults": list(plan.faults),
        "changes": [change_json(change) for change in plan.changes],
    }


def by_hand_json(each: ByHand) -> dict[str, Any]:
    changes = [change_json(change) for change in each.changes]
    return {"zone": each.zone, "by_hand": each.scope.name, "changes": changes, "error": each.error or None}


def sight_json(sight: Sight) -> dict[str, Any]:
    return {
        "zone": sight.zone,
        "state": sight.state,
        "server": sight.server or None,
        "what": sight.what,
        "seconds_left": sight.left,
    }


def request_json(request: Request, shown: str) -> dict[str, Any]:
    wanted = request.wanted
    return {
        "about": request.about,
        "name": wanted.id.name,
        "type": wanted.id.rtype,
        "wanted": list(wanted.values or ()),
        "shown": shown,
        "ask": request.whom,
        "words": request.words,
    }


def change_json(change: Change) -> dict[str, Any]:
    return {
        "sign": change.sign,
        "name": change.id.name,
        "type": change.id.rtype,
        "part": change.id.part,
        "before": list(change.before),
        "after": list(change.after),
        "rule": change.rule,
        "pending": change.pending,
        "reason": change.reason,
    }


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "zone": outcome.plan.zone,
        "published": [change_json(change) for change in outcome.published],
        "conflicts": [change_json(change) for change in outcome.plan.conflicts],
        "unknown": [change_json(change) for change in outcome.plan.unknown],
        "held_back": outcome.held,
        "error": outcome.error or None,
    }
