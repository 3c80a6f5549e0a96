"""How the host is looked at: commands and files, with an error in the place of what could not be read."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path
from typing import Any

SECONDS = 30


def run(*command: str, given: str | None = None) -> dict[str, Any]:
    """What a command prints; an error is told in its place, for an empty answer would look like an empty setting."""
    environment = dict(os.environ, LC_ALL="C", PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    try:
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=SECONDS, env=environment, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"error": f"{command[0]}: {error}"}
    if done.returncode:
        return {"error": f"{' '.join(command)} exits {done.returncode}: {done.stderr.strip()[-300:]}"}
    return {"text": done.stdout}


def packages(shown: str, *names: str) -> dict[str, Any]:
    """A line of the format `shown` for each that dpkg-query(1) knows; it exits 1 where it knows one not at all."""
    return run("sh", "-c", 'dpkg-query -W -f "$0" "$@" 2>/dev/null || test $? = 1', shown, *names)


def access(path: str) -> dict[str, int] | None:
    """Mode, owner and group by number of a file; None where there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return {"mode": stat.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid}


def text_of(path: str) -> Any:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return {"error": str(error)}
