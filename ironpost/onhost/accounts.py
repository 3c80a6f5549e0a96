"""Accounts of the host as /etc/shadow has them (shadow(5)); Python 3.13 has no module for it any more."""

from __future__ import annotations

from pathlib import Path

SHADOW = Path("/etc/shadow")


def locked(name: str) -> bool:
    """Whether no password opens the account: its field begins with ! or * (an empty one would open to everybody)."""
    rows = (line.split(":") for line in SHADOW.read_text().splitlines())
    return any(row[0] == name and row[1][:1] in ("!", "*") for row in rows)
