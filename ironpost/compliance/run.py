"""Runs the controls on each mail host: evidence first, from both sides at once, then every verdict on its own."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ironpost.compliance.inside import snapshot
from ironpost.compliance.letters import letters
from ironpost.compliance.outside import probe
from ironpost.compliance.zone import zone
from ironpost.controls import CONTROLS
from ironpost.controls.control import Control, State, Verdict
from ironpost.errors import IronpostError, UnverifiableError
from ironpost.evidence import NotCollectedError
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost

HOSTS_AT_ONCE = 4
Progress = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Judged:
    """A control on one mail host. A side that the control does not have is None."""

    mailhost: str
    control: Control
    inside: Verdict | None
    outside: Verdict | None

    @property
    def verdicts(self) -> tuple[tuple[str, Verdict], ...]:
        sides = (("inside", self.inside), ("outside", self.outside))
        return tuple((side, verdict) for side, verdict in sides if verdict is not None)

    @property
    def state(self) -> State:
        """The worst of both sides: one broken side is a finding, and what was not seen does not hold."""
        states = [verdict.state for _, verdict in self.verdicts]
        order: tuple[State, ...] = ("broken", "unknown", "holds")
        return next((state for state in order if state in states), "not applicable")

    @property
    def disagree(self) -> bool:
        """One side holds and the other is broken: a mistake on the host, or in the proof."""
        return {verdict.state for _, verdict in self.verdicts} == {"broken", "holds"}


@dataclasses.dataclass(frozen=True)
class Proof:
    """All verdicts of one run, in the order of hosts and controls."""

    started: str
    judged: tuple[Judged, ...]

    def of(self, state: State) -> tuple[Judged, ...]:
        return tuple(each for each in self.judged if each.state == state)


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What was collected of one mail host; an exception stands for what could not be."""

    snapshot: Any
    probes: Any


def verify(
    fleet: Fleet,
    mailhosts: Iterable[MailHost],
    controls: tuple[Control, ...] = CONTROLS,
    progress: Progress = lambda line: None,
) -> Proof:
    """Every control on every one of these mail hosts. What cannot be reached becomes unknown, never an exception."""
    started = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    hosts = tuple(mailhosts)
    with ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        found = list(pool.map(lambda mailhost: collect(fleet, mailhost, progress), hosts))
    return Proof(
        started,
        tuple(
            judged(mailhost, control, evidence)
            for mailhost, evidence in zip(hosts, found, strict=True)
            for control in controls
        ),
    )


def collect(fleet: Fleet, mailhost: MailHost, progress: Progress) -> Evidence:
    with ThreadPoolExecutor() as pool:
        inside = pool.submit(snapshot, mailhost)
        outside = pool.submit(from_outside, fleet, mailhost)
        records = pool.submit(zone, fleet.mailhosts, mailhost)
        post = pool.submit(letters, fleet, mailhost)
        seen = result(inside)
        progress(f"{mailhost.name}: looked at from inside")
        probes = result(outside)
        if not isinstance(probes, UnverifiableError):
            probes = dataclasses.replace(probes, zone_seen=records.result(), letters_seen=post.result())
        progress(f"{mailhost.name}: probed from outside")
    return Evidence(seen, probes)


def from_outside(fleet: Fleet, mailhost: MailHost) -> Any:
    if not fleet.vantage_points:
        raise UnverifiableError("the inventory names no vantage point; add vantage_points= to the fleet")
    return probe(mailhost, fleet.vantage_points[0], fleet.source.parent)


def result(future: Future[Any]) -> Any:
    """The evidence, or the error that stands for it."""
    try:
        return future.result()
    except IronpostError as error:
        return UnverifiableError(str(error))


def judged(mailhost: MailHost, control: Control, evidence: Evidence) -> Judged:
    return Judged(
        mailhost.name,
        control,
        side(control.inside, mailhost, evidence.snapshot),
        side(control.outside, mailhost, evidence.probes),
    )


def side(judge: Callable[[Any, Any], Verdict] | None, mailhost: MailHost, evidence: Any) -> Verdict | None:
    """What one side says; without its evidence it says nothing."""
    if judge is None:
        return None
    if isinstance(evidence, UnverifiableError):
        return Verdict("unknown", str(evidence))
    try:
        return judge(mailhost, evidence)
    except NotCollectedError as missing:
        return Verdict("unknown", str(missing))
