"""The walls around services: what their units say, and what the processes that run may really do."""

from __future__ import annotations

import pwd
import re
import time
from pathlib import Path
from typing import Any

from .look import run

PROPERTIES = "Id,ActiveState,Type,MainPID,ControlGroup,Restart,FragmentPath,LimitCORE"
CONFINED = "CapabilityBoundingSet,MemoryDenyWriteExecute,NoNewPrivileges,PrivateDevices,PrivateTmp,ProtectSystem,"
CONFINED += "ProtectClock,ProtectControlGroups,ProtectHome,ProtectHostname,ProtectKernelLogs,ProtectKernelModules,"
CONFINED += "ProtectKernelTunables,RestrictAddressFamilies,RestrictSUIDSGID,SystemCallFilter"
PROC = Path("/proc")
MOMENT = 1.5  # seconds


def parts() -> dict[str, Any]:
    first, began = [row for path in PROC.glob("[0-9]*") if (row := process(path))], time.monotonic()
    names = running_services()
    walls: dict[str, Any] = {
        "services": services(names),
        "exposure": run("systemd-analyze", "security", "--no-pager"),
    }
    time.sleep(max(0.0, began + MOMENT - time.monotonic()))
    return {"walls": dict(walls, processes=looked_at_again(first))}


def running_services() -> list[str]:
    text = run("systemctl", "list-units", "--type=service", "--state=running", "--no-legend", "--plain").get("text", "")
    return [line.split()[0] for line in text.splitlines() if line.strip()]


def services(names: list[str]) -> dict[str, dict[str, Any]]:
    """What systemd says of each: one answer for all, in blocks in the order of the names."""
    shown = run("systemctl", "show", f"--property={PROPERTIES},{CONFINED}", *names) if names else {"text": ""}
    if "error" in shown:
        return dict.fromkeys(names, shown)
    blocks = shown["text"].split("\n\n")
    return {name: {"text": block} for name, block in zip(names, blocks, strict=True)}


def looked_at_again(first: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of root once more: a mailbox process is root's for a moment, until it knows whose mail it reads."""
    again = [process(PROC / str(row["pid"])) if row["user"] == "root" else row for row in first]
    return [row for row in again if row]


def process(path: Path) -> dict[str, Any] | None:
    """One process: its unit, user, and confinement; None for kernel threads and those that have ended."""
    try:
        status = dict(re.findall(r"^(\w+):\s*(.*)$", (path / "status").read_text(), re.M))
        group = (path / "cgroup").read_text()
        if not (path / "maps").read_text():
            return None
        mounts = str((path / "ns" / "mnt").readlink())
        limits = re.search(r"Max core file size\s+(\S+)\s+(\S+)", (path / "limits").read_text())
        outdated = sorted(set(re.findall(r" (/\S+\.so\S*) \(deleted\)", (path / "maps").read_text())))
    except (OSError, ValueError):
        return None
    unit = re.search(r"/([^/]+\.service)(?:/|$)", group, re.M)
    return {
        "pid": int(path.name),
        "name": status.get("Name", ""),
        "user": user_name(int(status["Uid"].split()[1])),
        "unit": unit.group(1) if unit else "",
        "parent": int(status["PPid"]),
        "seccomp": status.get("Seccomp", ""),
        "no new privileges": status.get("NoNewPrivs", ""),
        "capabilities": int(status.get("CapBnd", "0"), 16),
        "own mounts": mounts != str((PROC / "1" / "ns" / "mnt").readlink()),
        "core": limits.group(2) if limits else "",
        "outdated": outdated,
    }


def user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
