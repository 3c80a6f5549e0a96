"""What the mail hosts tell of themselves for DNS: signing keys, TLS keys, the account at the authority."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ironpost.dns.records import SshKey, TlsKey, Told
from ironpost.dns.records.pairs import Pair, SigningKey
from ironpost.errors import HostError
from ironpost.mailhost import MailHost
from ironpost.remote import run_on

SCHEMA = 1
COMMAND = "python3 /usr/lib/ironpost/onhost tell"
PARALLEL = 10


def tellings(mailhosts: Iterable[MailHost]) -> tuple[dict[str, Told | None], list[str]]:
    """What each host tells, by name, and a sentence for each that cannot be read or lacks a key."""
    hosts = list(mailhosts)
    with ThreadPoolExecutor(PARALLEL) as pool:
        read = list(pool.map(told_or_reason, hosts))
    told = {mailhost.name: found for mailhost, (found, _) in zip(hosts, read, strict=True)}
    return told, [reason for _, reason in read if reason]


def told_or_reason(mailhost: MailHost) -> tuple[Told | None, str]:
    try:
        done = run_on(mailhost, COMMAND)
    except HostError as error:
        return None, str(error)
    if done.returncode:
        said = " ".join(done.stderr.split())[-200:] or f"exits {done.returncode}"
        return None, silent(mailhost, said)
    return parsed(mailhost, done.stdout)


def silent(mailhost: MailHost, said: str) -> str:
    """The sentence on a host that tells nothing, and what it said in place of that."""
    return f"{mailhost.name}: tells no signing keys ({said}); deploy the host first"


def parsed(mailhost: MailHost, text: str) -> tuple[Told | None, str]:
    """What the host printed; a domain for which it has no signing keys gets a sentence."""
    try:
        told = understood(json.loads(text))
    except (ValueError, TypeError, KeyError):
        return None, f"{mailhost.name}: tells keys that make no sense; deploy the host again"
    signing = {pair.domain for pair in told.dkim if pair.state == "signing" and all(key.public for key in pair.keys)}
    lacking = [each.name for each in mailhost.signed_domains if each.name not in signing]
    reason = f"{mailhost.name}: has no signing keys of {', '.join(lacking)} yet; deploy the host" if lacking else ""
    return told, reason


def understood(whole: dict[str, Any]) -> Told:
    """Raises ValueError, TypeError or KeyError."""
    if int(whole["schema"]) > SCHEMA:
        raise ValueError("a newer schema")
    return Told(
        tuple(pair_of(row) for row in whole["dkim"]),
        tuple(TlsKey(str(row["kind"]), str(row["state"]), str(row["sha256"])) for row in whole["tls"]),
        str(whole["acme_account"]) if whole["acme_account"] else None,
        tuple(SshKey(str(row["kind"]), str(row["sha256"])) for row in whole.get("ssh", [])),
        str(whole.get("certificate_due", "")),
    )


def pair_of(row: dict[str, Any]) -> Pair:
    keys = tuple(SigningKey(str(key["kind"]), str(key["selector"]), str(key["public"])) for key in row["keys"])
    wait = float(row.get("wait", 0))
    return Pair(str(row["domain"]), str(row["state"]), int(row["age"]), int(row["born"]), keys, wait)
