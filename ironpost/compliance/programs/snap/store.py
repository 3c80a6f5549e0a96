"""Where queue and mailboxes lie: on what, written how surely, and encrypted or not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

QUEUE, MAIL = "/var/spool/postfix", "/var/vmail"
DEVICES = Path("/sys/dev/block")
PRELOAD = Path("/etc/ld.so.preload")


def parts() -> dict[str, Any]:
    return {
        "store": {
            "queue": place(QUEUE),
            "mail": place(MAIL),
            "preload file": PRELOAD.read_text(errors="replace") if PRELOAD.exists() else "",
            "preloaded": preloaded(),
        }
    }


def place(path: str) -> dict[str, Any]:
    """The file system that holds a path: {kind, options, encrypted}; {error} where there is no such path."""
    try:
        device = Path(path).stat().st_dev
    except OSError as error:
        return {"error": str(error)}
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        first, _, last = line.partition(" - ")
        fields, (kind, _, options) = first.split(), last.split(" ", 2)
        if fields[2] == number:
            return {"kind": kind, "options": f"{fields[5]},{options}", "encrypted": encrypted(DEVICES / number)}
    return {"error": f"no mount holds {path}"}


def encrypted(device: Path) -> bool:
    """Whether this device, or all that it consists of, is one of dm-crypt (LUKS among them)."""
    try:
        if (device / "dm" / "uuid").read_text().startswith("CRYPT-"):
            return True
        below = list((device / "slaves").iterdir())
    except OSError:
        return False
    return bool(below) and all(encrypted(each) for each in below)


def preloaded() -> list[str]:
    """Processes into which something is loaded before their own libraries (ld.so(8) LD_PRELOAD)."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            settings = (path / "environ").read_bytes().split(b"\0")
            name = (path / "comm").read_text().strip()
        except OSError:
            continue
        found += [f"{name}: {each.decode('utf-8', 'replace')}" for each in settings if each.startswith(b"LD_PRELOAD=")]
    return sorted(found)
