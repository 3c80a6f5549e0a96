"""What a control is, and what it may say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

State = Literal["holds", "broken", "unknown", "not applicable"]
Level = Literal["baseline", "strict"]
Severity = Literal["low", "medium", "high", "critical"]
Cost = Literal["passive", "active", "slow", "disruptive"]
SIDES = ("inside", "outside")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What one side of a control says. `found` is what was seen, `remedy` what to do about it."""

    state: State
    found: str = ""
    remedy: str = ""


@dataclasses.dataclass(frozen=True)
class Control:
    """A claim about a mail host. `inside` judges a Snapshot, `outside` judges Probes; None where there is no such side.

    `id` is the catalogue's; `reference` names the standards and the parameters behind the claim.
    """

    id: str
    name: str
    claim: str
    why: str
    reference: str
    level: Level
    severity: Severity
    cost: Cost
    inside: Callable[[Any, Any], Verdict] | None
    outside: Callable[[Any, Any], Verdict] | None

    @property
    def sides(self) -> tuple[str, ...]:
        return tuple(side for side in SIDES if getattr(self, side))


Claimed = TypeVar("Claimed", bound=type)


def control(
    id: str,
    *,
    claim: str,
    reference: str,
    level: Level = "baseline",
    severity: Severity = "medium",
    cost: Cost = "active",
) -> Callable[[Claimed], Claimed]:
    """Makes a control of a class with `inside(self, mailhost, snapshot)` and/or `outside(self, mailhost, probes)`.

    The class's docstring says why the claim matters; its name is a sentence (NoAuthOn25).
    """

    def made(claimed: Claimed) -> Claimed:
        judge = claimed()
        claimed.control = Control(  # type: ignore[attr-defined]
            id=id,
            name=claimed.__name__,
            claim=claim,
            why=" ".join((claimed.__doc__ or "").split()),
            reference=reference,
            level=level,
            severity=severity,
            cost=cost,
            inside=getattr(judge, "inside", None),
            outside=getattr(judge, "outside", None),
        )
        return claimed

    return made


def control_of(claimed: type) -> Control:
    """The control that `@control` made of a class."""
    found: Control = claimed.control  # type: ignore[attr-defined]
    return found


def holds(found: str = "") -> Verdict:
    return Verdict("holds", found)


def broken(found: str, remedy: str) -> Verdict:
    return Verdict("broken", found, remedy)


def not_applicable(reason: str) -> Verdict:
    return Verdict("not applicable", reason)


def holds_if(condition: bool, *, found: str, remedy: str, seen: str = "") -> Verdict:
    """`found` and `remedy` are told when the condition is false, `seen` when it is true."""
    return holds(seen) if condition else broken(found, remedy)


def holds_unless(faults: Iterable[str], *, remedy: str, seen: str = "") -> Verdict:
    """Broken with all of these faults; holds when there is none. The faults come from evidence that was there."""
    told = "; ".join(dict.fromkeys(faults))
    return broken(told, remedy) if told else holds(seen)
