"""How a command is measured, and how a number is printed beside its goal."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from tests.lab.deployment import BIN, TOP


@dataclass(frozen=True)
class Cost:
    """Of one command and of what it started: seconds, processor seconds, and the memory of the largest process."""

    seconds: float
    own: float
    mib: float
    said: str


def row(what: str, value: str, goal: str, met: bool) -> None:
    print(f"{what:<66} {value:>10}   goal {goal:<8} {'met' if met else 'MISSED'}", flush=True)


def cost_of(*words: str, folder: Path = TOP, **environment: str) -> Cost:
    """Runs one of our commands, which must exit 0."""
    before, started = children(), time.monotonic()
    process = subprocess.Popen(
        [words[0] if words[0] == "sh" else str(BIN / words[0]), *words[1:]],
        cwd=folder,
        env=os.environ | {"PYINFRA_PROGRESS": "off"} | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = process.stdout.read() if process.stdout else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} exits {process.returncode}\n{said[-4000:]}")
    took = time.monotonic() - started
    # wait4 counts what this process waited for itself too, which `children` confirms
    return Cost(took, max(used.ru_utime + used.ru_stime, children() - before), used.ru_maxrss / 1024, said)


def children() -> float:
    """Processor seconds of all that was waited for so far."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def processor_seconds() -> float:
    """Of this process and of all that it waited for."""
    found = resource.getrusage(resource.RUSAGE_SELF)
    return found.ru_utime + found.ru_stime + children()
