"""Who has a mailbox on the lab's mail hosts. Their passwords are made on first use and live in the lab's state."""

from __future__ import annotations

import fcntl
import os
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path

import argon2

PEOPLE: dict[str, dict[str, tuple[str, ...]]] = {
    "example.org": {"alice": ("info",), "anna": (), "frieda": ("orders",)},
    "example.com": {"dave": ("sales",), "dora": (), "fred": ("orders",)},
    "fleet.example": {"fay": ("info",), "finn": ()},
}

# Where each host has all mailboxes of its domain: whose mail goes on to elsewhere, and whether a copy stays.
FORWARDS = {"frieda": ("bob@example.net", True), "fred": ("bob@example.net", False)}


def users_file(directory: Path, domain: str, homes: Mapping[str, str] | None = None) -> Path:
    """The users file of a domain, as `fleet` reads it; made on first use.

    `homes` names the host of some mailboxes; nobody forwards there.
    """
    folder = directory / "people"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{domain}.toml"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _write_private(folder / f"{domain}.passwords", _password_lines(domain))
            _write_private(path, _tables(folder, domain, homes))
    return path


def password(directory: Path, address: str) -> str:
    """The password of one of these people."""
    name, _, domain = address.partition("@")
    users_file(directory, domain)
    passwords = tomllib.loads((directory / "people" / f"{domain}.passwords").read_text())
    return str(passwords[name])


def password_file(directory: Path, address: str) -> Path:
    """The password of one of these people in a file of its own, as `Secret.file` reads it."""
    path = users_file(directory, address.partition("@")[2]).parent / f"{address}.password"
    if not path.exists():
        _write_private(path, password(directory, address) + "\n")
    return path


def _password_lines(domain: str) -> str:
    return "".join(f'{name} = "{secrets.token_urlsafe(18)}"\n' for name in PEOPLE[domain])


def _tables(folder: Path, domain: str, homes: Mapping[str, str] | None) -> str:
    passwords = tomllib.loads((folder / f"{domain}.passwords").read_text())
    hasher = argon2.PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
    return "\n".join(
        f'[{name}]\npassword = "{hasher.hash(passwords[name])}"\naliases = {list(aliases)!r}\n'
        + (f'host = "{homes[name]}"\n' if homes and name in homes else "")
        + (_forward(name) if homes is None else "")
        for name, aliases in PEOPLE[domain].items()
    )


def _forward(name: str) -> str:
    if name not in FORWARDS:
        return ""
    address, kept = FORWARDS[name]
    return f'forward = ["{address}"]\nkeep_copy = {str(kept).lower()}\n'


def _write_private(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.touch(mode=0o600)
    partial.write_text(text)
    partial.replace(path)
