"""Where a lab keeps what it must remember, and the locks that keep two commands apart.

Files of one lab live in the XDG state directory, root trees in the XDG cache directory. What does not survive a
reboot of the machine (address slots in use, changed sysctls) is kept in /run, which does not survive it either.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ironpost.errors import IronpostError
from ironpost.lab.plan import FIRST_FREE_SLOT, LAST_SLOT, SLOTS

SCHEMA = 1
MACHINE = Path("/run/ironpost-lab")
LOCK_WAIT_SECONDS = 600


class LabError(IronpostError):
    """The test network could not be built, booted, reached or taken down."""


def lab_directory(name: str) -> Path:
    """The lab's own directory. Raises LabError for a name that could leave it, or not name a namespace."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{0,19}", name):
        raise LabError(f"lab: {name!r} is not a lab name; use a–z, 0–9 and hyphens, at most 20, a letter first")
    return _xdg("XDG_STATE_HOME", ".local/state") / "ironpost" / "lab" / name


def cache_directory() -> Path:
    """Root trees and package repositories, shared by all labs."""
    return _xdg("XDG_CACHE_HOME", ".cache") / "ironpost" / "lab"


def _xdg(variable: str, fallback: str) -> Path:
    value = os.environ.get(variable, "")
    return Path(value) if value.startswith("/") else Path.home() / fallback


@contextmanager
def locked(path: Path, wait: float = LOCK_WAIT_SECONDS) -> Iterator[None]:
    """Holds flock(2) on a file; another holder is waited for, `wait` seconds at most, then LabError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    deadline = time.monotonic() + wait
    while (descriptor := _try_lock(path)) is None:
        if time.monotonic() > deadline:
            raise LabError(f"{path}: another command holds this lock; wait for it, or end it, and try again")
        time.sleep(0.1)
    try:
        yield
    finally:
        os.close(descriptor)


def _try_lock(path: Path) -> int | None:
    """The locked file, or None where another has it, or took it away in between (`down` deletes its lock)."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def read_json(path: Path) -> dict[str, Any]:
    """A file of ours, or {} where there is none. Raises LabError for one that a newer ironpost wrote."""
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text())
    if found.get("schema") != SCHEMA:
        raise LabError(f"{path}: schema {found.get('schema')}, and this ironpost reads {SCHEMA}; use the newer one")
    return found


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Written beside and renamed, so that a reader never sees half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps({"schema": SCHEMA, **content}, indent=1) + "\n")
    beside.rename(path)


def take_slot(name: str, directory: Path) -> int:
    """The address slot of this lab, reserved on this machine until `free_slot`."""
    with locked(MACHINE / "lock"):
        taken = _slots()
        for slot, owner in taken.items():
            if owner == str(directory):
                return int(slot)
        wanted = [SLOTS[name]] if name in SLOTS else range(FIRST_FREE_SLOT, LAST_SLOT + 1)
        free = next((slot for slot in wanted if str(slot) not in taken), None)
        if free is None:
            where = taken.get(str(next(iter(wanted))))
            raise LabError(f"lab {name}: its addresses are in use by the lab in {where}; take that one down first")
        write_json(MACHINE / "slots.json", {"slots": {**taken, str(free): str(directory)}})
        return free


def free_slot(directory: Path) -> bool:
    """Gives the slot back; True when no lab is left on this machine."""
    with locked(MACHINE / "lock"):
        left = {slot: owner for slot, owner in _slots().items() if owner != str(directory)}
        write_json(MACHINE / "slots.json", {"slots": left})
        return not left


def _slots() -> dict[str, str]:
    slots: dict[str, str] = read_json(MACHINE / "slots.json").get("slots", {})
    return slots


INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_NEEDED = 8192


def raise_inotify_limit() -> None:
    """Each systemd takes several inotify instances of root's 128; the old value is kept for `restore`."""
    with locked(MACHINE / "lock"):
        old = int(INOTIFY.read_text())
        if old < INOTIFY_NEEDED:
            write_json(MACHINE / "sysctl.json", {"inotify": old})
            INOTIFY.write_text(str(INOTIFY_NEEDED))


def restore_inotify_limit() -> None:
    """Called when the last lab is down; forgets everything in /run."""
    with locked(MACHINE / "lock"):
        if _slots():
            return  # another lab came up in between
        old = read_json(MACHINE / "sysctl.json").get("inotify")
        if old is not None:
            INOTIFY.write_text(str(old))
        shutil.rmtree(MACHINE)
