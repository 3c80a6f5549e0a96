"""What a run of the controls says: a verdict of each side of each control on each mail host."""

from __future__ import annotations

import dataclasses
from typing import Literal

from ironpost.controls.control import Control, Level, State, Verdict
from ironpost.settings import Waiver

Outcome = Literal["holds", "broken", "waived", "unknown", "not applicable"]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a run looks at besides the baseline."""

    profile: Level = "baseline"
    deep: bool = False
    disruptive: bool = False

    def includes(self, control: Control) -> bool:
        if control.level == "strict" and self.profile != "strict":
            return False
        return {"slow": self.deep, "disruptive": self.disruptive}.get(control.cost, True)


@dataclasses.dataclass(frozen=True)
class Judged:
    """A control on one mail host. A side that the control does not have is None; `waiver` is one that is in force."""

    mailhost: str
    control: Control
    inside: Verdict | None
    outside: Verdict | None
    inventory: Verdict | None = None
    waiver: Waiver | None = None

    @property
    def verdicts(self) -> tuple[tuple[str, Verdict], ...]:
        sides = (("inside", self.inside), ("outside", self.outside), ("inventory", self.inventory))
        return tuple((side, verdict) for side, verdict in sides if verdict is not None)

    @property
    def state(self) -> State:
        """The worst of all sides: one broken side is a finding, and what was not seen does not hold."""
        states = [verdict.state for _, verdict in self.verdicts]
        return worst(states)

    @property
    def outcome(self) -> Outcome:
        """The state, or `waived` for what is broken with somebody's consent."""
        return "waived" if self.state == "broken" and self.waiver else self.state

    @property
    def disagree(self) -> bool:
        """One side holds and the other is broken: a mistake on the host, or in the proof."""
        return {verdict.state for _, verdict in self.verdicts} == {"broken", "holds"}


def worst(states: list[State]) -> State:
    order: tuple[State, ...] = ("broken", "unknown", "holds")
    return next((state for state in order if state in states), "not applicable")


@dataclasses.dataclass(frozen=True)
class Proof:
    """All verdicts of one run, in the order of hosts and controls."""

    started: str
    judged: tuple[Judged, ...]
    wanted: Wanted = Wanted()
    seconds: float = 0.0

    def of(self, outcome: Outcome) -> tuple[Judged, ...]:
        return tuple(each for each in self.judged if each.outcome == outcome)
