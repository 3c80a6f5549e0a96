"""Services that still use libraries which an update has replaced: the file is gone, and the old code runs on."""

from __future__ import annotations

import re
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
GONE = re.compile(r" (/usr/lib/\S+\.so\S*|/lib/\S+\.so\S*) \(deleted\)$", re.M)


def library(control_group: str) -> str | None:
    """The first library in use by a process of that cgroup whose file was replaced."""
    for top in (CGROUPS, CGROUPS / "unified", CGROUPS / "systemd"):
        listing = top / control_group.lstrip("/") / "cgroup.procs"
        if not control_group or not listing.is_file():
            continue
        for pid in listing.read_text().split():
            found = GONE.search(maps(pid))
            if found:
                return found.group(1)
    return None


def maps(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""
