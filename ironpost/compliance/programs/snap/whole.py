"""The whole snapshot, its topics looked at side by side."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import (
    accounts,
    dane,
    doors,
    drift,
    forwarding,
    hardening,
    leaks,
    login_keys,
    outbound,
    place,
    postfix,
    rspamd,
    ssh,
    store,
    stores,
    system,
    tells,
    tls,
    tokens,
    walls,
)

SCHEMA = 1
TOPICS: tuple[Any, ...] = (rspamd, postfix, dane, tls, accounts, system, place, ssh, walls, hardening, outbound, doors)
TOPICS += (leaks, store, stores, login_keys, tokens, drift, tells, forwarding)


def snapshot() -> dict[str, Any]:
    """`rspamadm` takes longest, and waits for nothing: the others are read meanwhile."""
    with ThreadPoolExecutor(len(TOPICS)) as pool:
        found = list(pool.map(parts_of, TOPICS))
    whole: dict[str, Any] = {"schema": SCHEMA}
    for parts in found:
        whole |= parts
    return dict(whole, end=True)


def parts_of(topic: Any) -> dict[str, Any]:
    """A topic that fails is missing, which is told where it is asked for; the others are there all the same."""
    name, began = topic.__name__.rpartition(".")[2], time.monotonic()
    try:
        found: dict[str, Any] = topic.parts()
    except Exception as error:
        return {f"error of {name}": f"{type(error).__name__}: {error}"}
    return dict(found, **{f"seconds of {name}": round(time.monotonic() - began, 2)})


def main(job: str) -> None:
    """`job` is not used: a snapshot has no arguments."""
    print(json.dumps(snapshot()))
