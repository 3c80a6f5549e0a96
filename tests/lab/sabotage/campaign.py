"""All sabotages, one after the other: what each came to is kept at once, so that a campaign goes on where it stopped.

One verification serves two rounds: it looks at what is broken now, and at whether what was broken before is repaired.
That is as strict as a clean verification after each repair: a run is clean when nothing cries but what is expected to,
and of a round nothing is expected that was expected of the one before, on either host; so whatever remains of the one
before is told, as unrepaired where its table names it, and as tripped where not. Where the one could hide the other, a
verification of its own is made in between, and one at the end.
"""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ironpost.lab import Lab
from tests.lab.sabotage import Sabotage
from tests.lab.sabotage.rounds import (
    Round,
    Rows,
    allowed,
    break_and_look,
    escaped,
    hides,
    named,
    rounds,
    standing,
    tripped,
    verdicts,
)

Progress = Callable[[str], None]


@dataclasses.dataclass
class Outcome:
    """Of one sabotage; the texts are empty where all is well."""

    host: str
    release: str
    seconds: float
    escaped: str = ""
    tripped: str = ""
    unrepaired: str = ""

    @property
    def good(self) -> bool:
        return not (self.escaped or self.tripped or self.unrepaired)


class Campaign:
    """`path` keeps the outcomes of this `version` of the code; what was not good, or of another one, is run again."""

    def __init__(self, lab: Lab, path: Path, version: str, progress: Progress) -> None:
        self.lab = lab
        self.path = path
        self.version = version
        self.progress = progress
        self.outcomes = self.kept()
        self.unproven: Round = ()  # repaired, and not yet seen to be so
        self.under_way: Round = ()  # broken, and perhaps not repaired

    def kept(self) -> dict[str, Outcome]:
        try:
            found: dict[str, Any] = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return {}
        if found["version"] != self.version:
            return {}
        outcomes = {key: Outcome(**values) for key, values in found["outcomes"].items()}
        return {key: outcome for key, outcome in outcomes.items() if outcome.good}

    def keep(self) -> None:
        shown = {key: dataclasses.asdict(outcome) for key, outcome in self.outcomes.items()}
        waiting = {sabotage.key for _, sabotage in self.unproven}
        proven = {key: values for key, values in shown.items() if key not in waiting}
        broken = [[host, sabotage.key] for host, sabotage in self.under_way]
        kept = {"version": self.version, "under way": broken, "outcomes": proven}
        self.path.write_text(json.dumps(kept, indent=1))

    def run(self, sabotages: dict[str, Sabotage]) -> bool:
        """Whether every one was caught by its control and repaired, and nothing else cried."""
        left = rounds(sabotage for key, sabotage in sabotages.items() if key not in self.outcomes)
        began = time.monotonic()
        for number, broken in enumerate(left, 1):
            course = so_far(time.monotonic() - began, number - 1, len(left))
            self.progress(f"{number} of {len(left)}: {named(broken)}{course}")
            self.under_way = broken
            self.keep()
            self.round(broken)
            self.under_way = ()
            self.keep()
        self.prove_repaired()
        self.keep()
        return all(self.outcomes[key].good for key in sabotages)

    def round(self, broken: Round) -> None:
        if hides(broken, self.unproven):
            self.prove_repaired()
        began = time.monotonic()
        rows = break_and_look(self.lab, broken)
        self.judge_repair(rows)
        cried = [text for text in tripped(rows, broken) if not self.left_over(text)]
        for host, sabotage in broken:
            self.outcomes[sabotage.key] = Outcome(
                host,
                self.lab.host(host).release,
                round(time.monotonic() - began, 1),
                escaped(rows, host, sabotage),
                "\n".join(text for text in cried if text.startswith(f"{host} ") or sabotage.alone),
            )
        self.unproven = broken

    def left_over(self, text: str) -> bool:
        host, control = text.split()[:2]
        return control in allowed(self.unproven)[host]

    def prove_repaired(self) -> None:
        if self.unproven:
            self.judge_repair(verdicts(self.lab, self.unproven))
            self.unproven = ()

    def judge_repair(self, rows: Rows) -> None:
        remains = [text for text in standing(rows) if self.left_over(text)]
        for host, sabotage in self.unproven:
            mine = [text for text in remains if text.startswith(f"{host} ") or sabotage.alone]
            self.outcomes[sabotage.key].unrepaired = "\n".join(mine)


def left_broken(path: Path, sabotages: dict[str, Sabotage]) -> Round:
    """What was broken when a campaign was stopped in the middle of a round."""
    try:
        found = json.loads(path.read_text())["under way"]
    except (OSError, ValueError, KeyError):
        return ()
    return tuple((host, sabotages[key]) for host, key in found if key in sabotages)


def so_far(seconds: float, run: int, all_of: int) -> str:
    """How long it has taken, and will; empty before there is anything to tell from."""
    left = seconds / run * (all_of - run) if run else 0
    return f" ({seconds / 60:.0f} min gone, about {left / 60:.0f} left)" if run else ""


def table(sabotages: dict[str, Sabotage], outcomes: dict[str, Outcome]) -> str:
    """A line for each sabotage, with what went wrong below it, and a sentence of totals."""
    lines = []
    for key, sabotage in sabotages.items():
        outcome = outcomes.get(key)
        if outcome is None:
            lines.append(f"?  {'':<9} {key}: not run")
            continue
        sign, sides = ("✓" if outcome.good else "✗"), ", ".join(sabotage.sides)
        lines.append(f"{sign}  {outcome.release:<9} {key}  [{sides}; {outcome.seconds} s]")
        for what in ("escaped", "tripped", "unrepaired"):
            lines += [f"     {what}: {text}" for text in getattr(outcome, what).splitlines()]
    run = [outcomes[key] for key in sabotages if key in outcomes]
    caught = len([each for each in run if not each.escaped])
    repaired = len([each for each in run if not each.unrepaired])
    calm = len([each for each in run if not each.tripped])
    lines.append(
        f"{len(run)} of {len(sabotages)} sabotages: {caught} caught by the control named, {repaired} repaired, "
        f"{calm} without a false alarm"
    )
    return "\n".join(lines)
