"""What sshd does with whoever comes: for everybody, and for those whom a Match block treats differently."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .look import run

MAIN = "/etc/ssh/sshd_config"
STRANGER = "203.0.113.77"


def parts() -> dict[str, Any]:
    """`for`: who comes (sshd -T -C) → the settings that then count."""
    asked = [f"user={user},host=stranger.invalid,addr={STRANGER}" for user in ("root", "nobody")]
    asked += [matched(line) for line in match_lines(MAIN)]
    return {"sshd": {"for": {who: run("sshd", "-T", "-C", who) for who in dict.fromkeys(asked)}}}


def match_lines(path: str, depth: int = 8) -> list[str]:
    """The criteria of each Match block, in the main file and in those that it includes."""
    try:
        lines = Path(path).read_text(errors="replace").splitlines()
    except OSError:
        return []
    found: list[str] = []
    for line in lines:
        word, _, rest = line.strip().replace("=", " ", 1).partition(" ")
        if word.lower() == "match":
            found.append(rest)
        if word.lower() == "include" and depth:
            for pattern in rest.split():
                place = Path("/etc/ssh") / pattern
                found += [
                    each for name in sorted(place.parent.glob(place.name)) for each in match_lines(str(name), depth - 1)
                ]
    return found


def matched(criteria: str) -> str:
    """Somebody whom that block means: the first of each list, with stars and networks filled in."""
    words = dict(re.findall(r"(\w+)\s+(\S+)", criteria.lower()))
    first = {key: value.split(",")[0].lstrip("!").replace("*", "x") for key, value in words.items()}
    address = first.get("address", STRANGER).partition("/")[0]
    return f"user={first.get('user', 'root')},host={first.get('host', 'stranger.invalid')},addr={address}"
