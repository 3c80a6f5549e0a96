"""Runs the controls on each mail host: evidence first, from all sides at once, then every verdict on its own."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from ironpost.compliance.collect import Progress, collect
from ironpost.compliance.judge import Evidence, judged, side
from ironpost.compliance.proof import Judged, Proof, Wanted
from ironpost.controls import CONTROLS
from ironpost.controls.control import Control
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost

__all__ = ["Evidence", "Judged", "Proof", "Wanted", "side", "verify"]
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
    started, hosts = datetime.datetime.now(datetime.UTC), tuple(mailhosts)
    begun = time.monotonic()
    with ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        found = list(pool.map(lambda mailhost: collect(fleet, mailhost, wanted, progress), hosts))
    seen = tuple(zip(hosts, found, strict=True))
    return proof_of(seen, controls, wanted, f"{started:%Y-%m-%dT%H:%M:%SZ}", time.monotonic() - begun)


def proof_of(
    seen: Iterable[tuple[MailHost, Evidence]],
    controls: tuple[Control, ...],
    wanted: Wanted,
    started: str,
    seconds: float = 0.0,
) -> Proof:
    """The verdicts that follow from evidence: no network, no clock."""
    rows = tuple(judged(mailhost, control, evidence, wanted) for mailhost, evidence in seen for control in controls)
    return Proof(started, rows, wanted, round(seconds, 1))
