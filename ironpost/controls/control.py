"""What a control is, and what it may say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

from ironpost.controls.mappings import MAPPINGS, Mapping

State = Literal["holds", "broken", "unknown", "not applicable"]
Level = Literal["baseline", "strict"]
Severity = Literal["low", "medium", "high", "critical"]
# passive: reads only. active: a few connections and letters. slow: only with --deep. disruptive: bans, floods, kills;
# only with --disruptive, and only on hosts of the test network.
Cost = Literal["passive", "active", "slow", "disruptive"]
Role = Literal["mx", "submission", "mailbox", "relay"]
# What must be there for the claim to be shown at all: a release, a kernel of the host's own, a way to the Internet, or
# another mail host of the fleet with a probe login.
Need = Literal["bookworm", "trixie", "real host", "internet", "second party"]
SIDES = ("inside", "outside", "inventory")
ALL_ROLES: frozenset[Role] = frozenset({"mx", "submission", "mailbox", "relay"})


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What one side of a control says. `found` is what was seen, `remedy` what to do about it."""

    state: State
    found: str = ""
    remedy: str = ""


Judge = Callable[[Any, Any], Verdict]


@dataclasses.dataclass(frozen=True)
class Control:
    """A claim about a mail host; None stands where it has no such side.

    `inside` judges a Snapshot, `outside` judges Probes, `inventory` judges what the operator said (Told).
    `strict` holds the judges of the strict value, by side: at the profile strict a side must satisfy both.
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
    inside: Judge | None
    outside: Judge | None
    inventory: Judge | None = None
    strict: tuple[tuple[str, Judge], ...] = ()
    roles: frozenset[Role] = ALL_ROLES
    needs: frozenset[Need] = frozenset()
    mappings: tuple[Mapping, ...] = ()

    @property
    def family(self) -> str:
        return self.id.partition("-")[0]

    def judges(self, side: str, profile: Level) -> tuple[Judge, ...]:
        """Those of one side: at `strict` the strict value comes on top of the baseline, and never in its place."""
        first = getattr(self, side)
        further = (judge for name, judge in self.strict if name == side and profile == "strict")
        return (*((first,) if first else ()), *further)

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
    roles: Iterable[Role] = ALL_ROLES,
    needs: Iterable[Need] = (),
) -> Callable[[Claimed], Claimed]:
    """Makes a control of a class with `inside(self, mailhost, snapshot)` and/or `outside(self, mailhost, probes)`.

    `strict_inside` and `strict_outside` judge the strict value of the same claim, where there is one; they are asked at
    the profile strict besides the others. `inventory(self, mailhost, told)` judges what the operator said.
    The class's docstring says why the claim matters; its name is a sentence (NoAuthOn25). Mappings to other texts stand
    in mappings.py, by id.
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
            inventory=getattr(judge, "inventory", None),
            strict=tuple((side, found) for side in SIDES if (found := getattr(judge, f"strict_{side}", None))),
            roles=frozenset(roles),
            needs=frozenset(needs),
            mappings=MAPPINGS.get(id, ()),
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
