"""What is asked of the program on a host about its TLS keys; all state lies there, none on the controller."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography import x509

from ironpost.dns.records import TlsKey
from ironpost.errors import HostError
from ironpost.mailhost import MailHost
from ironpost.remote import run_on

PROGRAM = "python3 /usr/lib/ironpost/onhost"
Work = Callable[[MailHost], str]
ISSUE_SECONDS = 900  # what the service on the host grants itself


@dataclass(frozen=True)
class Roll:
    """A rollover: `wait`, `switch`, `verify` or `publish`; `shown` since when each name server shows the next key."""

    step: str
    shown: int | None
    ttl: int


@dataclass(frozen=True)
class TlsStatus:
    """How a host stands. Times are seconds by the host's own clock; `error` is why the last attempt failed.

    `due`: why a certificate is to be fetched now; `held`: until when caches may know sets of TLSA of before.
    """

    files: bool
    keys: tuple[TlsKey, ...]
    certificates: tuple[x509.Certificate, ...]
    roll: Roll | None
    error: str = ""
    failures: int = 0
    account: str | None = None
    since: int = 0
    now: int = 0
    due: str = ""
    held: int = 0

    def digests(self, state: str) -> tuple[str, ...]:
        return tuple(key.sha256 for key in self.keys if key.state == state)


def status_of(mailhost: MailHost) -> TlsStatus:
    """Raises HostError when the host cannot tell."""
    return understood(mailhost, asked(mailhost, "tls-status"))


def roll(mailhost: MailHost, verb: str, *words: str) -> TlsStatus:
    """One step of the rollover on the host. Raises HostError with what the host refused."""
    return understood(mailhost, asked(mailhost, "tls-roll", verb, *words))


def ask(mailhost: MailHost, what: str) -> TlsStatus:
    """`register` or `issue`, now. Raises HostError when the host cannot be asked."""
    return understood(mailhost, {"files": False} | asked(mailhost, "certificate-ask", what))


def asked(mailhost: MailHost, *words: str) -> dict[str, Any]:
    done = run_on(mailhost, f"{PROGRAM} {shlex.join(words)}", seconds=ISSUE_SECONDS)
    if done.returncode:
        said = " ".join(done.stderr.split())[-300:] or f"exits {done.returncode}"
        raise HostError(f"{mailhost.name}: {said}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def understood(mailhost: MailHost, whole: dict[str, Any]) -> TlsStatus:
    """Raises HostError for an answer that makes no sense."""
    try:
        going, tried = whole["roll"], whole["tried"] or {}
        return TlsStatus(
            files=bool(whole.get("files", False)),
            keys=tuple(TlsKey(row["kind"], row["state"], row["sha256"]) for row in whole["keys"]),
            certificates=tuple(x509.load_pem_x509_certificate(pem.encode()) for pem in whole["certificates"].values()),
            roll=Roll(going["step"], going["shown"], int(going["ttl"])) if going else None,
            error=str(tried.get("error", "")),
            failures=int(tried.get("failures", 0)),
            account=whole.get("account"),
            since=int(whole.get("since", 0)),
            now=int(whole.get("now", 0)),
            due=str(whole.get("due", "")),
            held=int(whole.get("held", 0)),
        )
    except (KeyError, TypeError, ValueError):
        raise HostError(f"{mailhost.name}: tells a TLS status that makes no sense; deploy the host again") from None
