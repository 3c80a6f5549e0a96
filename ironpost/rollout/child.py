"""Runs one wave in a process of its own (ironpost.engine) and hands its events on as they come."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ironpost.errors import HostError

SCHEMA = 1
# After an interruption pyinfra may still wait for a host; what it has begun there goes on without it.
STOP_SECONDS = 10
Event = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """`failed`: a reason for each host that did not come through. `switched`: hosts with a new generation in place."""

    failed: dict[str, str]
    switched: tuple[str, ...]


def run_wave(
    inventory: Path, deploy: Path, names: Sequence[str], stop_at_first: bool, heard: Callable[[Event], None]
) -> Outcome:
    """Deploys these hosts; with `stop_at_first` none goes on to the next step when one has failed."""
    job = {
        "schema": SCHEMA,
        "inventory": str(inventory),
        "deploy": str(deploy),
        "hosts": list(names),
        "stop_at_first": stop_at_first,
    }
    child = subprocess.Popen(
        [sys.executable, "-m", "ironpost.engine"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is ours to handle
    )
    try:
        events = []
        for event in spoken(child, json.dumps(job)):
            heard(event)
            events.append(event)
        return outcome(events, names)
    finally:
        end(child)


def spoken(child: subprocess.Popen[str], job: str) -> Iterator[Event]:
    if child.stdin is None or child.stdout is None:
        raise HostError("the engine has no pipes; run again")
    child.stdin.write(job)
    child.stdin.close()
    for line in child.stdout:
        yield json.loads(line)
    child.wait()


def outcome(events: Sequence[Event], names: Sequence[str]) -> Outcome:
    """What the events of one wave come to. A step that one host fails stops the others before their next one."""
    if not events or events[-1]["event"] != "end":
        raise HostError("the engine ended without its last word; run again with --resume")
    reasons: dict[str, list[str]] = {}
    for event in events:
        if event["event"] == "failed" or (event["event"] == "line" and event["level"] == "error"):
            reasons.setdefault(event["mailhost"], []).append(event.get("text") or f"failed at: {event['step']}")
    last = events[-1]
    stopped = last["text"] or ""
    failed = {name: "; ".join(dict.fromkeys(reasons.get(name, [stopped]))) for name in last["failed"]}
    if stopped:
        left = "stopped, because another host of the wave failed" if failed else stopped
        failed |= {name: left for name in names if name not in failed}
    return Outcome(failed, tuple(last["switched"]))


def end(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for stream in (child.stdin, child.stdout):
        if stream:
            stream.close()
