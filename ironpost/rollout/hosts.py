"""What a rollout asks of a host besides a deploy: its past, the way back, out of service and in again."""

from __future__ import annotations

import dataclasses
import getpass
import json
import platform
import shlex
from collections.abc import Iterable
from typing import Any

from ironpost.errors import HostError
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost
from ironpost.remote import run_on

# The one kept beside the generations knows the way back whatever generation is in place.
PROGRAM = "/var/lib/ironpost/program/onhost"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH\n"
SWITCH_SECONDS = 300


@dataclasses.dataclass(frozen=True)
class Past:
    """One kept generation. `files`: path → added, changed or removed; None when the one before is not kept."""

    number: int
    current: bool
    meta: dict[str, Any]
    files: dict[str, str] | None
    packages: tuple[str, ...]


def generations(mailhost: MailHost) -> tuple[Past, ...]:
    """Those that the host keeps, oldest first. Raises HostError when it cannot tell."""
    rows = asked(mailhost, "generations")
    return tuple(Past(**(row | {"packages": tuple(row["packages"])})) for row in rows)


def roll_back(mailhost: MailHost, number: int | None = None) -> int:
    """Switches to an earlier generation, confirmed over a second connection. Returns its number."""
    words = [f"{getpass.getuser()}@{platform.node()}", *([str(number)] if number is not None else [])]
    done = asked(mailhost, "rollback", *words, seconds=SWITCH_SECONDS)
    asked(mailhost, "confirm")
    return int(done["back_to"])


def drain(fleet: Fleet, mailhost: MailHost, seconds: int) -> dict[str, int]:
    """No new mail comes in, except from those who test; waits for sessions and queue. Returns what was left."""
    left: dict[str, int] = asked(mailhost, "drain", str(seconds), *exempt(fleet, mailhost), seconds=seconds + 60)
    return left


def undrain(mailhost: MailHost) -> None:
    asked(mailhost, "undrain")


def exempt(fleet: Fleet, mailhost: MailHost) -> tuple[str, ...]:
    """Who still reaches a drained host: its operators, the vantage points, and the other hosts, for the letters."""
    points = [point.ssh.address for point in fleet.vantage_points if point.ssh and point.ssh.address]
    peers = [address for other in fleet.mailhosts for address in other.addresses if other.name != mailhost.name]
    return tuple(dict.fromkeys((*mailhost.allow.ssh, *addresses_only(points), *peers)))


def addresses_only(names: Iterable[str]) -> list[str]:
    """A vantage point that is named and not numbered cannot be told to the packet filter."""
    return [name for name in names if name.replace(".", "").isdigit() or ":" in name]


def asked(mailhost: MailHost, verb: str, *words: str, seconds: int = 60) -> Any:
    command = shlex.join(["python3", "-B", PROGRAM, verb, *words])
    done = run_on(mailhost, PATH + command, seconds=seconds)
    if done.returncode:
        said = done.stderr.strip() or f"exits {done.returncode}"
        raise HostError(f"{mailhost.name}: {said}")
    return json.loads(done.stdout.splitlines()[-1])
