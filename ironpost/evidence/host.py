"""The host below mail, in a snapshot: parts that are there, or NotCollectedError with why they are not."""

from __future__ import annotations

import re
from typing import Any

from ironpost.evidence import NotCollectedError
from ironpost.evidence.snapshot import Snapshot


def part(snapshot: Snapshot, *path: str) -> Any:
    """What stands at that path. An error in its place, or nothing at all, is told and never judged."""
    found: Any = snapshot.raw
    for step in path:
        found = found.get(step) if isinstance(found, dict) else None
    if found is None:
        raise NotCollectedError(f"the snapshot holds no {'/'.join(path)}")
    if isinstance(found, dict) and "error" in found:
        raise NotCollectedError(str(found["error"]))
    return found


def sshd(snapshot: Snapshot) -> dict[str, dict[str, str]]:
    """Who comes (user, host, addr) → what sshd then does, keywords in lower case."""
    asked: dict[str, dict[str, str]] = part(snapshot, "sshd", "for")
    if not asked:
        raise NotCollectedError("sshd was asked for nobody")
    rows = {who: snapshot.text("sshd", "for", who).splitlines() for who in asked}
    return {who: dict(line.lower().split(" ", 1) for line in lines if " " in line) for who, lines in rows.items()}


def processes(snapshot: Snapshot) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = part(snapshot, "walls", "processes")
    if not found:
        raise NotCollectedError("no process was seen")
    return found


def services(snapshot: Snapshot) -> dict[str, dict[str, str]]:
    """Each service that runs → what systemctl shows of it."""
    names: dict[str, Any] = part(snapshot, "walls", "services")
    if not names:
        raise NotCollectedError("systemd shows no service that runs")
    texts = {name: snapshot.text("walls", "services", name) for name in names}
    return {name: dict(line.split("=", 1) for line in text.splitlines() if "=" in line) for name, text in texts.items()}


def exposure(snapshot: Snapshot) -> dict[str, float]:
    """Unit → how much of the host is open to it, 0 to 10 (systemd-analyze security)."""
    text = snapshot.text("walls", "exposure")
    rows = {name: float(value) for name, value in re.findall(r"^(\S+\.service)\s+(\d+\.\d)", text, re.M)}
    if not rows:
        raise NotCollectedError("systemd-analyze security shows no unit")
    return rows


def sysctl(snapshot: Snapshot, name: str) -> str:
    found = part(snapshot, "host", "sysctls", name)
    return str(found).strip()


def files(snapshot: Snapshot, kind: str) -> list[dict[str, Any]]:
    """{path, mode, uid, gid} of `configuration` files and folders, or of `private keys`."""
    found: list[dict[str, Any]] = [row for row in part(snapshot, "host", kind) if "mode" in row]
    if not found:
        raise NotCollectedError(f"no {kind} were seen")
    return found


def sections(text: str, section: str) -> dict[str, str]:
    """`name=value` of one section of systemd's files, as they follow each other: the last one counts."""
    found: dict[str, str] = {}
    current = ""
    for line in text.splitlines():
        if line.startswith("["):
            current = line.strip("[] ")
        elif "=" in line and not line.startswith("#") and current == section:
            name, _, value = line.partition("=")
            found[name.strip()] = value.strip()
    return found
