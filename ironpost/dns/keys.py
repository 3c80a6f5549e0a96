"""The public halves of the signing keys, read from the hosts where they were born."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ironpost.errors import HostError
from ironpost.mailhost import MailHost
from ironpost.remote import run_on

COMMAND = "python3 /usr/lib/ironpost/onhost dkim-public"
PARALLEL = 10

Keys = Mapping[tuple[str, str], str]


def public_keys(mailhosts: Iterable[MailHost]) -> tuple[dict[str, Keys | None], list[str]]:
    """(domain, selector) → value of p=, for each host by name; None and a sentence for one that cannot be read."""
    hosts = list(mailhosts)
    with ThreadPoolExecutor(PARALLEL) as pool:
        read = list(pool.map(keys_or_reason, hosts))
    keys = {mailhost.name: found for mailhost, (found, _) in zip(hosts, read, strict=True)}
    return keys, [reason for _, reason in read if reason]


def keys_or_reason(mailhost: MailHost) -> tuple[Keys | None, str]:
    try:
        done = run_on(mailhost, COMMAND)
    except HostError as error:
        return None, str(error)
    if done.returncode:
        said = " ".join(done.stderr.split())[-200:] or f"exits {done.returncode}"
        return None, f"{mailhost.name}: tells no signing keys ({said}); deploy the host first"
    return parsed(mailhost, done.stdout)


def parsed(mailhost: MailHost, text: str) -> tuple[Keys | None, str]:
    """The keys among what the host printed; a key that settings name and the host lacks gets a sentence."""
    try:
        rows: list[dict[str, Any]] = json.loads(text)
        keys = {(str(row["domain"]), str(row["selector"])): str(row["public"]) for row in rows}
    except (ValueError, TypeError, KeyError):
        return None, f"{mailhost.name}: tells signing keys that make no sense; deploy the host again"
    wanted = [key for domain in mailhost.domains for key in domain.dkim_keys]
    lacking = [f"{key.selector} of {key.domain}" for key in wanted if (key.domain, key.selector) not in keys]
    reason = f"{mailhost.name}: has no signing key {', '.join(lacking)} yet; deploy the host" if lacking else ""
    return keys, reason
