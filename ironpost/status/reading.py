"""One read of each host over SSH, all of them together; it needs no generation to be in place."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ironpost.errors import HostError
from ironpost.mailhost import MailHost
from ironpost.remote import run_on

AT_ONCE = 20
PROGRAM = Path(__file__).with_name("program.py")
ENDS = "%b %d %H:%M:%S %Y GMT"  # openssl-x509(1), -enddate


@dataclass(frozen=True)
class Reading:
    """What a host said of itself (`program.py` gives the shape of `facts`), or why it could not be read."""

    mailhost: str
    facts: dict[str, Any]
    unread: str | None = None
    clock_off: float = 0.0

    @property
    def certificate_days(self) -> float | None:
        """Days until the certificate in use ends; None where there is none."""
        text = self.facts.get("certificate")
        if not text:
            return None
        ends = datetime.strptime(" ".join(text.split()), ENDS).replace(tzinfo=UTC)
        return (ends - datetime.now(UTC)).total_seconds() / 86400

    @property
    def waiting(self) -> int:
        """Messages in all queues."""
        return sum(self.facts["queue"]["waiting"].values())


def read(mailhost: MailHost) -> Reading:
    """Never raises: a host that cannot be read is one that says so."""
    before = time.time()
    try:
        done = run_on(mailhost, "python3 -I -B -", stdin=PROGRAM.read_text())
    except HostError as error:
        return Reading(mailhost.name, {}, str(error))
    after = time.time()
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exits {done.returncode}"])[-1]
        return Reading(mailhost.name, {}, f"{mailhost.name}: its state cannot be read ({said}); try `ssh` by hand")
    try:
        facts: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return Reading(
            mailhost.name, {}, f"{mailhost.name}: what it says is no JSON; look at what its shell prints at login"
        )
    # The clock was read somewhere between: what lies outside is off.
    off = max(before - facts["clock"], facts["clock"] - after, 0.0)
    return Reading(mailhost.name, facts, clock_off=off)


def read_all(mailhosts: Iterable[MailHost]) -> list[Reading]:
    """In the order of the inventory."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(read, mailhosts))
