"""The whole snapshot, its topics looked at side by side."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import accounts, postfix, rspamd, system, tls

SCHEMA = 1
TOPICS = (rspamd, postfix, tls, accounts, system)


def snapshot() -> dict[str, Any]:
    """`rspamadm` takes longest, and waits for nothing: the others are read meanwhile."""
    with ThreadPoolExecutor(len(TOPICS)) as pool:
        found = list(pool.map(lambda topic: topic.parts(), TOPICS))
    whole: dict[str, Any] = {"schema": SCHEMA}
    for parts in found:
        whole |= parts
    return whole


def main(job: str) -> None:
    """`job` is not used: a snapshot has no arguments."""
    print(json.dumps(snapshot()))
