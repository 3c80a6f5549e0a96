"""The running kernel against /etc/sysctl.d: what was set by hand, or by another program, since the unit said it."""

from __future__ import annotations

import os
from pathlib import Path

FILES = tuple(Path("/etc/sysctl.d") / name for name in ("60-ironpost.conf", "61-ironpost-kernel.conf"))
SYS = Path("/proc/sys")
MOUNTS = Path("/proc/self/mounts")
SHARED_MEMORY = "/dev/shm"  # noqa: S108  looked at, not written to
MOUNTED = {"nosuid", "nodev", "noexec"}  # as ironpost-kernel.service mounts it


def difference() -> str | None:
    """The first setting that the kernel has otherwise. What cannot be set here (a container) is left out."""
    return setting() or mount() if FILES[0].is_file() else None


def mount() -> str | None:
    rows = [line.split() for line in MOUNTS.read_text().splitlines()]
    lacking = [MOUNTED - set(row[3].split(",")) for row in rows if row[1] == SHARED_MEMORY][-1:]
    return f"{SHARED_MEMORY} is mounted without {', '.join(sorted(lacking[0]))}" if lacking and lacking[0] else None


def setting() -> str | None:
    for file in FILES:
        for line in file.read_text().splitlines() if file.is_file() else ():
            name, equals, value = line.partition("=")
            if not equals or line.lstrip().startswith("#"):
                continue
            for path in places(name.strip().lstrip("-")):
                found = path.read_text().split()
                if found != value.split():
                    return f"{path.relative_to(SYS)} is {' '.join(found)}, should be {value.strip()}"
    return None


def places(name: str) -> list[Path]:
    """The files of a setting, a star standing for each interface."""
    pattern = name.replace(".", "/")
    return [path for path in sorted(SYS.glob(pattern)) if path.is_file() and os.access(path, os.W_OK)]
