"""What a host remembers: which generation runs, which was before, and who is changing it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMA = 1
TOP = Path("/var/lib/ironpost")
STATE = TOP / "state.json"
STAGE = TOP / "stage"
GENERATIONS = TOP / "generations"
LOCK = TOP / "lock"
LOG = TOP / "log"
KEPT = 5
LOCK_SECONDS = 15


class Refused(Exception):
    """What stops a step; the text is what the operator reads."""


def read_state() -> dict[str, Any]:
    """`current`: number of the running generation; `phase`: settled, switching or unconfirmed; `next`: its number."""
    if not STATE.exists():
        return {"schema": SCHEMA, "current": 0, "phase": "settled", "next": None}
    state: dict[str, Any] = json.loads(STATE.read_text())
    if state["schema"] > SCHEMA:
        raise Refused(
            f"{STATE}: has schema {state['schema']}; use an ironpost at least as new as the one that wrote it"
        )
    return state


def write_state(**changes: Any) -> dict[str, Any]:
    state = read_state() | changes | {"schema": SCHEMA, "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    write_durably(STATE, json.dumps(state))
    return state


def write_durably(path: Path, text: str) -> None:
    """The old text or the new one, whatever happens in between."""
    partial = path.with_name(path.name + ".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def manifest_of(number: int) -> dict[str, Any]:
    """The manifest of a kept generation; that of number 0 says what stood there before the first run."""
    path = GENERATIONS / str(number) / "manifest.json"
    manifest: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"files": [], "units": []}
    return manifest


def tree_of(number: int) -> Path:
    return GENERATIONS / str(number) / "tree"


@contextlib.contextmanager
def locked(who: str) -> Iterator[None]:
    """One change at a time. Raises Refused when somebody else goes on changing the host."""
    TOP.mkdir(mode=0o700, parents=True, exist_ok=True)
    with LOCK.open("a+") as file:
        until = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    file.seek(0)
                    raise Refused(f"another run changes this host ({file.read().strip()}); wait for it") from None
                time.sleep(0.5)
        file.seek(0)
        file.truncate()
        file.write(f"{who} since {time.strftime('%H:%M:%S UTC', time.gmtime())}")
        file.flush()
        yield


def note(text: str) -> None:
    """One line in the log of changes and in the host's journal."""
    line = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}"
    with LOG.open("a") as file:
        file.write(line + "\n")
    subprocess.run(["logger", "-t", "ironpost", text], check=False)


def forget_old(current: int) -> None:
    """Keeps number 0 and the last few."""
    import shutil

    numbers = sorted(int(path.name) for path in GENERATIONS.iterdir() if path.name.isdigit())
    for number in [number for number in numbers if number and number <= current][:-KEPT]:
        shutil.rmtree(GENERATIONS / str(number))
