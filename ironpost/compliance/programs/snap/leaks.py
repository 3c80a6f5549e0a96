"""Secrets in places that others can read: arguments, environments, unit files, histories, the log."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

from .look import run

# A private key in PEM, or a password hash as crypt(3), passwd-files and PHC strings write it.
SECRET = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|\$argon2(?:id|i|d)\$v=\d|\$(?:5|6|y|gy|7|2[aby])\$[./A-Za-z0-9$=,]{20,}"
)
IN_LOG = r"PRIVATE KEY-----|\$argon2(id|i|d)\$v=[0-9]|SASL_PASSWORD="
HISTORIES = (".bash_history", ".sh_history", ".zsh_history", ".python_history", ".lesshst", ".viminfo")
UNITS = ("/etc/systemd/system", "/run/systemd/system", "/run/systemd/transient")
OPEN = ("/etc", "/var/log", "/var/tmp", "/tmp", "/srv", "/opt")  # noqa: S108  looked into, not written to
LARGEST = 200_000


def parts() -> dict[str, Any]:
    """`found`: where a secret stands, never the secret. `looked at`: how many places, by kind."""
    places = {"process": processes(), "unit": units(), "history": histories(), "file that all may read": readable()}
    return {
        "leaks": {
            "found": sorted(f"{kind} {name}" for kind, rows in places.items() for name, text in rows if leaks(text)),
            "looked at": {kind: len(rows) for kind, rows in places.items()},
            "log": run("sh", "-c", f"journalctl -q -o cat -n 1 --since -1hour -g '{IN_LOG}' || test $? = 1"),
        }
    }


def leaks(text: bytes) -> bool:
    return SECRET.search(text) is not None


def processes() -> list[tuple[str, bytes]]:
    """Arguments and environment of every process."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        for part in ("cmdline", "environ"):
            text = content(path / part)
            if text:
                found.append((f"{part} of {content(path / 'comm').decode('utf-8', 'replace').strip()}", text))
    return found


def units() -> list[tuple[str, bytes]]:
    return [(str(path), content(path)) for top in UNITS for path in below(top)]


def histories() -> list[tuple[str, bytes]]:
    homes = [Path("/root"), *Path("/home").glob("*")]
    return [(str(home / name), content(home / name)) for home in homes for name in HISTORIES if (home / name).exists()]


def readable() -> list[tuple[str, bytes]]:
    """Files that every account may read; keys that are closed are no leak."""
    return [(str(path), content(path)) for top in OPEN for path in below(top) if open_to_all(path)]


def below(top: str) -> list[Path]:
    return [Path(folder) / name for folder, _, names in os.walk(top) for name in names]


def open_to_all(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & stat.S_IROTH) and 0 < found.st_size <= LARGEST


def content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError:
        return b""
