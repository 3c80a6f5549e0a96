"""What the hosts tell of themselves, without which some values are not known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ironpost.dns.records.pairs import Pair


@dataclass(frozen=True)
class TlsKey:
    """The digest of a public key (SubjectPublicKeyInfo) that the host serves (current), will serve or has served."""

    kind: str
    state: str
    sha256: str


@dataclass(frozen=True)
class SshKey:
    """The digest of a host key by which sshd shows who it is; `kind` as SSH calls it (ssh-ed25519)."""

    kind: str
    sha256: str


@dataclass(frozen=True)
class Told:
    """`dkim` are the pairs of all its domains; `acme_account` the URI of the account (RFC 8657), if there is one.

    `certificate_due`: why the host is to fetch a certificate, empty when it has it.
    """

    dkim: tuple[Pair, ...] = ()
    tls: tuple[TlsKey, ...] = ()
    acme_account: str | None = None
    ssh: tuple[SshKey, ...] = ()
    certificate_due: str = ""


# Host name → what it told; None for a host that could not be read.
Tellings = Mapping[str, Told | None]
