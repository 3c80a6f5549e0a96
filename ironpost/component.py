"""What a component consists of. Pure values: a component says what it needs, never how it gets there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from ironpost.secret import Secret


@dataclass(frozen=True)
class HostFile:
    """A file at its path on the host. A `Secret` is read when it is sent; `secret=True` masks a text in diffs.

    With `link` the path is a symbolic link to that target; content and mode then say nothing (/etc/localtime is one).
    """

    path: str
    content: str | Secret
    mode: int = 0o644
    owner: str = "root"
    group: str = "root"
    secret: bool = False
    link: str | None = None

    @property
    def is_secret(self) -> bool:
        return self.secret or isinstance(self.content, Secret)


@dataclass(frozen=True)
class HostDirectory:
    path: str
    mode: int = 0o755
    owner: str = "root"
    group: str = "root"


@dataclass(frozen=True)
class SystemUser:
    """A user without login that owns files; `groups` are further groups that it joins. Existing users only join.

    `locked`: no password opens it; keys still do.
    """

    name: str
    home: str = "/nonexistent"
    uid: int | None = None
    groups: tuple[str, ...] = ()
    locked: bool = False


@dataclass(frozen=True)
class DkimSigner:
    """A domain whose mail the host signs, with pairs of keys that are born there and never leave it.

    `label` is the host's word in the selectors that it makes up; where `rsa` and `ed25519` are given, it makes up none.
    """

    domain: str
    label: str
    rsa: str | None
    ed25519: str | None


@dataclass(frozen=True)
class TlsFile:
    """A file whose public key DNS is told of: the chain that is served, or the key that will be served next."""

    path: str
    state: Literal["current", "next"]


@dataclass(frozen=True)
class TlsKeys:
    """TLS keys that are born on the host, a current and a next one of each kind, for a certificate of these names."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]


@dataclass(frozen=True)
class Unit:
    """A systemd unit, and what a change of files with those prefixes asks of it. `restart_on` wins."""

    name: str
    reload_on: tuple[str, ...] = ()
    restart_on: tuple[str, ...] = ()
    state: Literal["running", "enabled", "masked"] = "running"


@dataclass(frozen=True)
class Port:
    """An open door: TCP unless said otherwise. `sources` names an allowlist of the mail host; empty means everyone."""

    number: int
    reason: str
    protocol: Literal["tcp", "udp"] = "tcp"
    sources: tuple[str, ...] = ()
    per_minute: int | None = None
    parallel: int | None = None

    def limited_to(self, per_minute: int, parallel: int | None = None) -> Port:
        """The same door with limits for strangers; an allowlist lets no stranger in, and its networks have none."""
        return self if self.sources else replace(self, per_minute=per_minute, parallel=parallel)

    @property
    def limited(self) -> bool:
        """Whether one source may not connect as often as it likes."""
        return self.per_minute is not None or self.parallel is not None


@dataclass(frozen=True)
class Check:
    """A command that must exit 0 with the staged files in place (a private view of the file system).

    Those of one component run in order, those of two may run side by side.

    With `silent=True` any line on standard error is a refusal too: Postfix only warns of what it cannot use.
    """

    command: str
    user: str = "root"
    silent: bool = False


@dataclass(frozen=True)
class Early:
    """Work that takes long and depends on no setting: begun while other packages install, after its own.

    Nothing waits for it: one of the component's checks does the same once more, and finds it done.
    """

    package: str
    command: str
    user: str = "root"


@dataclass(frozen=True)
class Component:
    """A part of a mail host: postfix, dovecot, firewall, …"""

    name: str
    packages: tuple[str, ...] = ()
    files: tuple[HostFile, ...] = ()
    directories: tuple[HostDirectory, ...] = ()
    users: tuple[SystemUser, ...] = ()
    signers: tuple[DkimSigner, ...] = ()
    tls_files: tuple[TlsFile, ...] = ()
    tls_keys: tuple[TlsKeys, ...] = ()
    units: tuple[Unit, ...] = ()
    ports: tuple[Port, ...] = ()
    early: tuple[Early, ...] = ()
    checks: tuple[Check, ...] = ()
    probes: tuple[str, ...] = ()  # shell commands on the host that must succeed within 10 s after the switch
