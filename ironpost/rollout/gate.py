"""The gate behind each wave: the controls that matter, from outside and inside, and a letter through the host."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from ironpost.compliance.run import Judged, verify
from ironpost.controls import CONTROLS
from ironpost.controls.control import Control
from ironpost.fleet import Fleet
from ironpost.rollout.waves import Wave

# What only a stranger's connections can show; zone and letters are seen without a vantage point too.
BY_STRANGERS = frozenset({"TLS-01", "RELAY-01", "FW-02"})
States = Mapping[tuple[str, str], str]  # (mail host, control id) → state


@dataclasses.dataclass(frozen=True)
class Gate:
    """What was seen of a wave. `faults` close the gate, by host; `noted` was so before the change."""

    faults: Mapping[str, tuple[str, ...]]
    noted: tuple[str, ...]
    held: int

    @property
    def open(self) -> bool:
        return not any(self.faults.values())


def gate_controls() -> tuple[Control, ...]:
    """Those of weight that take seconds; DKIM-01 among them reads a letter that went through the host."""
    return tuple(
        control
        for control in CONTROLS
        if control.severity in ("high", "critical") and control.cost in ("passive", "active")
    )


def states(fleet: Fleet, wave: Wave) -> States:
    """How the hosts of a wave stand before they are changed."""
    proof = verify(fleet, wave, gate_controls())
    return {(each.mailhost, each.control.id): each.state for each in proof.judged}


def look_through(fleet: Fleet, wave: Wave, before: States) -> Gate:
    """Verifies the wave, and tells what its change broke from what was broken before."""
    proof = verify(fleet, wave, gate_controls())
    faults: dict[str, list[str]] = {mailhost.name: [] for mailhost in wave}
    noted = []
    for each in proof.judged:
        if each.outcome not in ("broken", "unknown"):
            continue
        if is_new(each, before):
            faults[each.mailhost].append(sentence(each))
        else:
            noted.append(f"{each.mailhost}: {sentence(each)} (as before the change)")
    for mailhost in wave:
        if not any(each.mailhost == mailhost.name and seen_outside(each) for each in proof.judged):
            faults[mailhost.name].append("nothing could be seen from outside; see vantage_points of the inventory")
    held = sum(each.state == "holds" for each in proof.judged)
    return Gate({name: tuple(found) for name, found in faults.items()}, tuple(noted), held)


def is_new(each: Judged, before: States) -> bool:
    """Whether the change did it. Of a host that was bare nothing was known: there only what is broken counts."""
    earlier = before.get((each.mailhost, each.control.id))
    if each.state == "broken":
        return earlier != "broken"
    return earlier == "holds"


def seen_outside(each: Judged) -> bool:
    return each.control.id in BY_STRANGERS and each.outside is not None and each.outside.state == "holds"


def sentence(each: Judged) -> str:
    told = "; ".join(verdict.found for _, verdict in each.verdicts if verdict.state == each.state)
    return f"{each.control.id} {each.state}: {told}"
