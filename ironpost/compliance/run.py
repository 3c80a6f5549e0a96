"""Runs the controls on each mail host: evidence first, from all sides at once, then every verdict on its own."""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from ironpost.compliance.collect import Progress, collect
from ironpost.compliance.common import common_to
from ironpost.compliance.judge import Evidence, judged, side
from ironpost.compliance.kept import Seen
from ironpost.compliance.proof import Judged, Proof, Wanted
from ironpost.controls import CONTROLS
from ironpost.controls.control import Control
from ironpost.controls.secrets import public_keys
from ironpost.evidence import NotCollectedError
from ironpost.evidence.snapshot import Snapshot
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost

__all__ = ["Evidence", "Judged", "Proof", "Wanted", "look", "now", "proof_of", "side", "verify"]
HOSTS_AT_ONCE = 8
BASELINE = Wanted()


def verify(
    fleet: Fleet,
    mailhosts: Iterable[MailHost],
    controls: tuple[Control, ...] = CONTROLS,
    progress: Progress = lambda line: None,
    wanted: Wanted = BASELINE,
) -> Proof:
    """Each of these controls on each of these mail hosts. What cannot be reached is unknown, never an exception."""
    started, begun = now(), time.monotonic()
    seen = look(fleet, mailhosts, progress, wanted)
    return proof_of(seen, controls, wanted, started, time.monotonic() - begun)


def now() -> str:
    return f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%SZ}"


def look(fleet: Fleet, mailhosts: Iterable[MailHost], progress: Progress, wanted: Wanted) -> Seen:
    """The evidence of each mail host; they are visited together."""
    hosts = tuple(mailhosts)
    with common_to(fleet, hosts) as common, ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        found = list(pool.map(lambda mailhost: collect(common, mailhost, wanted, progress), hosts))
    return tuple(zip(hosts, found, strict=True))


def proof_of(
    seen: Seen,
    controls: tuple[Control, ...],
    wanted: Wanted,
    started: str,
    seconds: float = 0.0,
) -> Proof:
    """The verdicts that follow from evidence: no network, no clock."""
    together = compared(seen)
    rows = tuple(judged(mailhost, control, evidence, wanted) for mailhost, evidence in together for control in controls)
    return Proof(started, rows, wanted, round(seconds, 1))


def compared(seen: Seen) -> Seen:
    """The same, each host knowing which keys the others of this run have."""
    keys = {mailhost.name: keys_of(evidence) for mailhost, evidence in seen}
    return tuple(
        (mailhost, with_keys_elsewhere(evidence, {name: keys[name] for name in keys if name != mailhost.name}))
        for mailhost, evidence in seen
    )


def keys_of(evidence: Evidence) -> list[str]:
    """What cannot be read of one host keeps nothing from the others."""
    if not isinstance(evidence.snapshot, Snapshot):
        return []
    try:
        return sorted(set().union(*public_keys(evidence.snapshot).values()))
    except (NotCollectedError, KeyError, TypeError, AttributeError):
        return []


def with_keys_elsewhere(evidence: Evidence, keys: dict[str, list[str]]) -> Evidence:
    if not isinstance(evidence.snapshot, Snapshot):
        return evidence
    snapshot = Snapshot({**evidence.snapshot.raw, "keys elsewhere": keys})
    return dataclasses.replace(evidence, snapshot=snapshot)
