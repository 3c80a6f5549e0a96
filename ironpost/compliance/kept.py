"""Evidence in a file: everything that verdicts followed from, so that they can be followed again without a network."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ironpost.compliance.collect import nothing_seen, told
from ironpost.compliance.judge import Evidence
from ironpost.compliance.proof import Wanted
from ironpost.errors import UnverifiableError
from ironpost.evidence.codec import decoded, encoded
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost

SCHEMA = 1
Seen = tuple[tuple[MailHost, Evidence], ...]


def write_evidence(path: Path, tool: dict[str, str], started: str, wanted: Wanted, seen: Seen) -> None:
    """Readable by its owner alone: it tells how the hosts are configured, though no secret."""
    whole: dict[str, Any] = {
        "schema": SCHEMA,
        "tool": tool,
        "started": started,
        "profile": wanted.profile,
        "deep": wanted.deep,
        "disruptive": wanted.disruptive,
        "mailhosts": {mailhost.name: kept(evidence) for mailhost, evidence in seen},
    }
    whole["digest"] = digest(whole)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")


def kept(evidence: Evidence) -> dict[str, Any]:
    """The parts of one mail host, each with its digest; what the inventory says is taken from the inventory again."""
    parts = {"snapshot": encoded(evidence.snapshot), "probes": encoded(evidence.probes)}
    return {
        "day": evidence.told.today.isoformat(),
        "second_party": evidence.second_party,
        "digests": {name: digest(part) for name, part in parts.items()},
        **parts,
    }


def digest(part: Any) -> str:
    """SHA-256 of the canonical form: keys sorted, no blanks, UTF-8."""
    text = json.dumps(part, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def read_evidence(path: Path, fleet: Fleet, hosts: Iterable[MailHost]) -> tuple[str, Wanted, Seen]:
    """(started, what was wanted, evidence of each of these hosts). Raises UnverifiableError when it cannot be used."""
    whole = unchanged(path)
    try:
        wanted = Wanted(whole["profile"], whole["deep"], whole["disruptive"])
        seen = tuple((host, again(whole["mailhosts"].get(host.name), fleet, host)) for host in hosts)
        return str(whole["started"]), wanted, seen
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UnverifiableError(f"{path.name}: holds no evidence that this version reads ({reason})") from None


def unchanged(path: Path) -> dict[str, Any]:
    try:
        whole = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnverifiableError(f"{path.name}: cannot be read ({error}); name a file of verify --evidence") from None
    if not isinstance(whole, dict) or "mailhosts" not in whole:
        raise UnverifiableError(f"{path.name}: is no evidence; name a file of verify --evidence")
    if whole.get("schema") != SCHEMA:
        raise UnverifiableError(f"{path.name}: has schema {whole.get('schema')}, this is {SCHEMA}; use that version")
    if whole.pop("digest", None) != digest(whole):
        raise UnverifiableError(f"{path.name}: was changed after it was written (its digest differs); collect anew")
    return whole


def again(host: dict[str, Any] | None, fleet: Fleet, mailhost: MailHost) -> Evidence:
    if host is None:
        missing = UnverifiableError(f"{mailhost.name}: is not in this evidence")
        today = datetime.datetime.now(datetime.UTC).date()
        return Evidence(missing, nothing_seen(mailhost, str(missing)), told(fleet, mailhost, today))
    day = datetime.date.fromisoformat(host["day"])
    snapshot, probes = decoded(host["snapshot"]), decoded(host["probes"])
    return Evidence(snapshot, probes, told(fleet, mailhost, day), bool(host["second_party"]))
