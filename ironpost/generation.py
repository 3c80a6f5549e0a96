"""All components of one mail host as one thing that is staged, switched and undone as a whole. Pure."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from ironpost.component import Component, Early, HostFile
from ironpost.mailhost import MailHost
from ironpost.secret import Secret

SCHEMA = 1
SWITCH_STEP = "Switch to it, and confirm over a new connection"  # as a deploy names it, and a rollout hears it
PROGRAM = Path(__file__).parent / "onhost"
PROGRAM_ON_HOST = "/usr/lib/ironpost/onhost"


@dataclasses.dataclass(frozen=True)
class Generation:
    """What one host should be."""

    mailhost: MailHost
    components: tuple[Component, ...]

    @property
    def packages(self) -> tuple[str, ...]:
        return tuple(sorted({package for component in self.components for package in component.packages}))

    @property
    def ports(self) -> tuple[int, ...]:
        """TCP ports that its components open."""
        ports = (port for component in self.components for port in component.ports)
        return tuple(sorted({port.number for port in ports if port.protocol == "tcp"}))

    @property
    def early(self) -> tuple[Early, ...]:
        return tuple(early for component in self.components for early in component.early)

    @property
    def files(self) -> tuple[HostFile, ...]:
        return tuple(file for component in self.components for file in component.files) + program_files(
            self.mailhost.has_openid
        )

    def manifest(self, meta: dict[str, Any]) -> dict[str, Any]:
        """What the program on the host works from. It holds digests of secrets: for standard input only."""
        return {
            "schema": SCHEMA,
            "mailhost": self.mailhost.name,
            "meta": meta,
            "packages": list(self.packages),
            "files": [entry(file) for file in self.files],
            "directories": self._parts("directories"),
            "users": merged_users(self._parts("users")),
            "signers": self._parts("signers"),
            # Where an earlier program still stands on the host, it is that one which surveys, and looks for this.
            "dkim_keys": [],
            "tls_files": self._parts("tls_files"),
            "tls_keys": self._parts("tls_keys"),
            "units": merged_units(self._parts("units")),
            "checks": [{"component": name} | check for name, check in self._named("checks")],
            "probes": [
                {"component": component.name, "command": command}
                for component in self.components
                for command in component.probes
            ],
        }

    def _parts(self, kind: str) -> list[dict[str, Any]]:
        return [part for _, part in self._named(kind)]

    def _named(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        return [
            (component.name, dict(vars(part)))  # no part holds another one
            for component in self.components
            for part in getattr(component, kind)
        ]


def compose(mailhost: MailHost, parts: Iterable[Callable[..., Component]]) -> Generation:
    """The generation made of these components, in this order. The firewall opens what the others ask for."""
    parts = tuple(dict.fromkeys(parts))
    made = {part: part(mailhost) for part in parts if part.__name__ != "firewall"}
    ports = tuple(port for component in made.values() for port in component.ports)
    return Generation(mailhost, tuple(made[part] if part in made else part(mailhost, ports) for part in parts))


@functools.cache
def program_files(tokens: bool = False) -> tuple[HostFile, ...]:
    """Our programs on the host are part of each generation: the one that changes it, the one that counts mail, and the

    one that judges tokens where there are any.
    """
    folders = (PROGRAM, PROGRAM.with_name("sending"), *([PROGRAM.with_name("openid")] * tokens))
    return tuple(
        HostFile(f"{Path(PROGRAM_ON_HOST).parent}/{folder.name}/{path.name}", path.read_text(), mode=0o644)
        for folder in folders
        for path in sorted(folder.glob("*.py"))
    )


def content_of(file: HostFile) -> bytes:
    """The bytes of a file; a secret is read now. PEM and the like end in a newline."""
    if isinstance(file.content, Secret):
        return (file.content.read() + "\n").encode()
    return file.content.encode()


def entry(file: HostFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "mode": file.mode,
        "owner": file.owner,
        "group": file.group,
        "link": file.link,
        "secret": file.is_secret,
        "sha256": hashlib.sha256(content_of(file)).hexdigest(),
    }


def merged_users(users: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A user named by several components joins the groups of all; its account is made by the first."""
    found: dict[str, dict[str, Any]] = {}
    for user in users:
        known = found.setdefault(user["name"], user | {"groups": []})
        known["groups"] = list(dict.fromkeys([*known["groups"], *user["groups"]]))
    return list(found.values())


def merged_units(units: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A unit named by several components heeds the files of all."""
    found: dict[str, dict[str, Any]] = {}
    for unit in units:
        known = found.setdefault(unit["name"], unit | {"reload_on": (), "restart_on": ()})
        for key in ("reload_on", "restart_on"):
            known[key] = list(dict.fromkeys([*known[key], *unit[key]]))
    return list(found.values())


def archive(generation: Generation, manifest: dict[str, Any]) -> bytes:
    """A tar stream with the program (onhost/), the manifest and the tree. Holds secrets: for standard input only."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=6) as tar:
        for path in sorted(PROGRAM.glob("*.py")):
            add(tar, f"onhost/{path.name}", path.read_bytes())
        add(tar, "incoming/manifest.json", json.dumps(manifest).encode())
        for file in generation.files:
            add(tar, "incoming/tree" + file.path, content_of(file), file.link)
    return stream.getvalue()


def add(tar: tarfile.TarFile, name: str, content: bytes, link: str | None = None) -> None:
    """Nobody but root reads what was unpacked until the program gives each file its owner and mode."""
    member = tarfile.TarInfo(name)
    member.mode = 0o600
    if link:
        member.type, member.linkname = tarfile.SYMTYPE, link
        tar.addfile(member)
    else:
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
