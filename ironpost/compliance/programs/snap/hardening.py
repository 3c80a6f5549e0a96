"""The host below the services: kernel, accounts, files, log, updates."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from .look import access, run, text_of

SYS = Path("/proc/sys")
SHARED = ("kernel", "fs", "net/core")
NETWORK = ("net/ipv4", "net/ipv6/conf")
KEPT_IN = ("/etc/postfix", "/etc/dovecot", "/etc/rspamd", "/etc/unbound", "/etc/redis", "/etc/ssh", "/etc/ironpost")
FILES = ("/etc/nftables.conf", "/etc/resolv.conf", "/etc/hosts")
SECRETS: tuple[str, ...] = (
    "/etc/ssl/ironpost",
    "/var/lib/rspamd/dkim",
    "/etc/dovecot",
    "/etc/postfix",
    "/root",
    "/home",
    "/etc/ssl/private",
)
SECRETS += ("/tmp", "/var/tmp", "/var/backups", "/srv", "/var/lib/ironpost")  # noqa: S108  looked into, not written to
LARGEST = 100_000
TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer")


def parts() -> dict[str, Any]:
    return {
        "host": {
            "sysctls": {str(path.relative_to(SYS)): text_of(str(path)) for path in settings()},
            "accounts": accounts(),
            "special files": special_files(),
            "configuration": [row for folder in KEPT_IN for row in tree(folder)] + [owned(path) for path in FILES],
            "private keys": private_keys(),
            "mounts": text_of("/proc/self/mounts"),
            "names": {"host": run("hostname", "-f"), "mail": text_of("/etc/mailname")},
            "journald": run("systemd-analyze", "cat-config", "systemd/journald.conf"),
            "suppressed": suppressed(),
            "packages": run("dpkg-query", "-W", "-f", "${db:Status-Abbrev}\t${Package}\n"),
            "apt": run("apt-config", "dump"),
            "timers": run("systemctl", "show", "--property=Id,ActiveState,UnitFileState", *TIMERS),
            "sources": sources(),
            "audit": run("auditctl", "-l"),
            "time": run("timedatectl", "show"),
        }
    }


def settings() -> list[Path]:
    """Files of sysctl(8) that can be read."""
    shared = [path for top in SHARED for path in (SYS / top).glob("**/*") if path.is_file()]
    network = [
        path for top in NETWORK for path in (SYS / top).glob("**/*") if path.is_file() and "/neigh/" not in str(path)
    ]
    return [path for path in shared + network if path.stat().st_mode & stat.S_IRUSR]


def suppressed() -> dict[str, Any]:
    """Lines of journald about lines that it threw away; an exit of 1 means that there is none."""
    asked = "journalctl -q -o cat -u systemd-journald -g '^Suppressed [0-9]+ messages' -n 5 || test $? = 1"
    return run("sh", "-c", asked)


def accounts() -> Any:
    """{name, uid, shell, password: open | locked | set} of each account; no hash leaves the host."""
    users, shadow = text_of("/etc/passwd"), text_of("/etc/shadow")
    if isinstance(users, dict) or isinstance(shadow, dict):
        return {"error": "passwd or shadow cannot be read"}
    hashed = dict(line.split(":")[:2] for line in shadow.splitlines() if ":" in line)
    rows = [line.split(":") for line in users.splitlines() if line.count(":") == 6]
    return {
        "rows": [
            {"name": row[0], "uid": int(row[2]), "shell": row[6], "password": kind(hashed.get(row[0], row[1]))}
            for row in rows
        ]
    }


def kind(field: str) -> str:
    if not field:
        return "open"
    return "locked" if field[0] in "!*" else "set"


def special_files() -> list[str]:
    """Programs that are setuid or setgid, and files that all may write to, on the host's own file system."""
    found = []
    for top in ("/usr", "/etc", "/var", "/opt", "/srv", "/root", "/home"):
        for folder, _, names in os.walk(top):
            for name in names:
                found += special(f"{folder}/{name}")
    return sorted(found)


def special(path: str) -> list[str]:
    """Of tens of thousands of files: no Path for each."""
    try:
        found = os.lstat(path)
    except OSError:
        return []
    if not stat.S_ISREG(found.st_mode) or not found.st_mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWOTH):
        return []
    return [f"{stat.S_IMODE(found.st_mode):04o} {path}"]


def tree(top: str) -> list[dict[str, Any]]:
    return [owned(str(Path(folder) / name)) for folder, _, names in os.walk(top) for name in (*names, ".")]


def owned(path: str) -> dict[str, Any]:
    return {"path": os.path.normpath(path)} | (access(path) or {})


def private_keys() -> list[dict[str, Any]]:
    """Every file with a private key in PEM, and what beside it may hold a secret."""
    found = []
    for top in SECRETS:
        for folder, _, names in os.walk(top):
            found += [owned(str(path)) for name in names if holds_key(path := Path(folder) / name)]
    return found


def holds_key(path: Path) -> bool:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > LARGEST:
            return False
        return b"PRIVATE KEY-----" in path.read_bytes()
    except OSError:
        return False


def sources() -> dict[str, Any]:
    """The text of each list of package sources."""
    folder = Path("/etc/apt")
    return {
        str(path): text_of(str(path))
        for path in (folder / "sources.list", *folder.glob("sources.list.d/*"))
        if path.exists()
    }
