"""Runs one wave in a process of its own (ironpost.engine) and hands its events on as they come."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ironpost.errors import HostError

SCHEMA = 1
# After an interruption pyinfra may still wait for a host; what it has begun there goes on without it.
STOP_SECONDS = 10
Event = dict[str, Any]


def run_wave(
    inventory: Path, deploy: Path, names: Sequence[str], stop_at_first: bool, heard: Callable[[Event], None]
) -> dict[str, str]:
    """Deploys these hosts. Returns a reason for each that failed; hosts that nothing was done to are among them."""
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
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is ours to handle
    )
    try:
        return outcome(child, json.dumps(job), names, heard)
    finally:
        end(child)


def outcome(
    child: subprocess.Popen[str], job: str, names: Sequence[str], heard: Callable[[Event], None]
) -> dict[str, str]:
    assert child.stdin and child.stdout and child.stderr
    child.stdin.write(job)
    child.stdin.close()
    reasons: dict[str, list[str]] = {}
    last: Event = {}
    for line in child.stdout:
        last = json.loads(line)
        heard(last)
        if last["event"] == "failed" or (last["event"] == "line" and last["level"] == "error"):
            reasons.setdefault(last["mailhost"], []).append(last.get("text") or f"failed at: {last['step']}")
    child.wait()
    if last.get("event") != "end":
        said = child.stderr.read().strip().splitlines()
        raise HostError(f"the engine ended without a word ({said[-1] if said else child.returncode}); see its output")
    failed = {name: "; ".join(dict.fromkeys(reasons.get(name, [last["text"]]))) for name in last["failed"]}
    if last["text"] and not failed:
        failed = dict.fromkeys(names, last["text"])
    if failed and last["text"]:
        # the whole wave was stopped before the next step
        failed = {name: failed.get(name, "stopped, because another host of the wave failed") for name in names}
    return failed


def end(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream:
            stream.close()
