"""How a command is measured, and how a number is printed beside its goal."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ironpost.lab import Lab, down, up
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
    started = time.monotonic()
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
        raise SystemExit(f"{' '.join(words)} exits {process.returncode}\n{said[-20000:]}")
    took = time.monotonic() - started
    return Cost(took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, said)


def processor_seconds() -> float:
    """Of this process and of all that it waited for."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in found)


@contextlib.contextmanager
def network(name: str) -> Iterator[Lab]:
    """A test network of that name, which our commands find, and which goes down whatever happens."""
    os.environ["IRONPOST_LAB"] = name
    try:
        yield up(name)
    finally:
        down(name)
