"""The rollout itself: plan, then wave after wave, each behind its gate; what fails goes back and stops the rest."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from ironpost.components import PARTS
from ironpost.errors import HostError
from ironpost.fleet import Fleet
from ironpost.generation import compose
from ironpost.rollout import hosts
from ironpost.rollout.child import Event, run_wave
from ironpost.rollout.gate import Gate, States, look_through, states
from ironpost.rollout.record import Record, digest_of
from ironpost.rollout.waves import Wave, is_alone

DRAIN_SECONDS = 60
Drain = Literal["alone", "always", "never"]


@dataclasses.dataclass(frozen=True)
class Options:
    """How a rollout goes; times in seconds."""

    bake: float = 0.0
    max_failures: int = 0
    drain: Drain = "alone"
    drain_seconds: int = DRAIN_SECONDS


class Rollout:
    """One run over a fleet. `told` gets every event as it happens: {event, wave?, mailhost?, ...}."""

    def __init__(
        self, fleet: Fleet, deploy: Path, record: Record, options: Options, told: Callable[[Event], None]
    ) -> None:
        self.fleet = fleet
        self.deploy = deploy
        self.record = record
        self.options = options
        self.told = told
        self.failures = 0
        self.digests = {each.name: digest_of(compose(each, PARTS).manifest({})) for each in fleet.mailhosts}

    def tell(self, event: str, **facts: Any) -> None:
        self.told({"event": event, "time": round(time.time(), 3)} | facts)

    def run(self, waves: Sequence[Wave]) -> bool:
        """Every wave, until one fails. True when all hosts are green."""
        try:
            for number, wave in enumerate(waves, 1):
                todo = tuple(each for each in wave if not self.record.is_green(each.name, self.digests[each.name]))
                for done in (each for each in wave if each not in todo):
                    self.tell("skipped", wave=number, mailhost=done.name, text="green since an earlier run")
                if todo and not self.wave(number, todo):
                    self.record.close("stopped")
                    self.tell("end", outcome="stopped")
                    return False
        except KeyboardInterrupt:
            self.record.close("aborted")
            self.tell("end", outcome="aborted")
            raise
        self.record.close("done")
        self.tell("end", outcome="done")
        return True

    def wave(self, number: int, wave: Wave) -> bool:
        """Staged and checked on all of its hosts, then switched, then gated. False stops the rollout."""
        self.tell("wave", wave=number, mailhosts=[each.name for each in wave])
        before = states(self.fleet, wave)
        drained = self.take_out(number, wave)
        try:
            return self.changed(number, wave, before)
        finally:
            for each in drained:
                hosts.undrain(each)
                self.tell("back in service", wave=number, mailhost=each.name)

    def changed(self, number: int, wave: Wave, before: States) -> bool:
        for each in wave:
            self.record.set(each.name, state="changing", wave=number, digest=self.digests[each.name])
        done = run_wave(
            self.fleet.source,
            self.deploy,
            [each.name for each in wave],
            self.options.max_failures <= self.failures,
            lambda event: self.told(event | {"wave": number}),
        )
        for name, reason in done.failed.items():
            self.failures += 1
            self.record.set(name, state="failed", reason=reason)
            self.tell("host failed", wave=number, mailhost=name, text=reason)
        if self.failures > self.options.max_failures:
            self.back(number, tuple(each for each in wave if each.name in done.switched), "another host failed")
            return False
        through = tuple(each for each in wave if each.name not in done.failed)
        return not through or self.gated(number, through, before)

    def gated(self, number: int, wave: Wave, before: States) -> bool:
        """Looked through at once and, with a bake, once more after it."""
        gate = self.seen(number, wave, before)
        if gate.open and self.options.bake:
            self.tell("bake", wave=number, seconds=self.options.bake)
            time.sleep(self.options.bake)
            gate = self.seen(number, wave, before)
        bad = tuple(each for each in wave if gate.faults[each.name])
        for each in wave:
            if each not in bad:
                self.record.set(each.name, state="green")
        self.failures += len(bad)
        if not bad:
            return True
        stop = self.failures > self.options.max_failures
        self.back(number, wave if stop else bad, "the gate stayed closed")
        return not stop

    def seen(self, number: int, wave: Wave, before: States) -> Gate:
        gate = look_through(self.fleet, wave, before)
        faults = {name: list(found) for name, found in gate.faults.items() if found}
        self.tell("gate", wave=number, open=gate.open, held=gate.held, faults=faults, noted=list(gate.noted))
        return gate

    def take_out(self, number: int, wave: Wave) -> Wave:
        """Hosts that nothing stands in for take no new mail while they are changed; a bare one has none to take."""
        chosen = [each for each in wave if self.options.drain == "always" or self.drains_alone(each)]
        taken = []
        for each in chosen:
            try:
                left = hosts.drain(self.fleet, each, self.options.drain_seconds)
            except HostError as error:
                self.tell("not drained", wave=number, mailhost=each.name, text=str(error))
                continue
            taken.append(each)
            self.tell("drained", wave=number, mailhost=each.name, **left)
        return tuple(taken)

    def drains_alone(self, mailhost: Any) -> bool:
        return self.options.drain == "alone" and is_alone(mailhost, self.fleet.mailhosts)

    def back(self, number: int, wave: Wave, why: str) -> bool:
        """The generation before, on each of these hosts, and verified; True when all are as they were."""
        whole = True
        for each in wave:
            try:
                generation = hosts.roll_back(each)
            except HostError as error:
                whole = False
                self.record.set(each.name, state="failed", reason=str(error))
                self.tell("not undone", wave=number, mailhost=each.name, text=str(error))
                continue
            self.record.set(each.name, state="undone", reason=why)
            self.tell("undone", wave=number, mailhost=each.name, generation=generation, text=why)
        if wave:
            self.seen(number, wave, {})
        return whole
