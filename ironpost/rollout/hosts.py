"""What a rollout asks of a host besides a deploy: its past, the way back, out of service and in again."""

from __future__ import annotations

import dataclasses
import getpass
import json
import platform
import shlex
import subprocess
import sys
from typing import Any

from ironpost.errors import HostError
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost
from ironpost.remote import run_at, run_on
from ironpost.settings import VantagePoint

# The one kept beside the generations knows the way back whatever generation is in place.
PROGRAM = "/var/lib/ironpost/program/onhost"
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH\n"
SWITCH_SECONDS = 300
# Prints the address that packets to each of its arguments would come from; none is sent (connect(2), SOCK_DGRAM).
SOURCES = """
import socket, sys
for address in sys.argv[1:]:
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((address, 25))
            print(asked.getsockname()[0])
        except OSError:
            pass
"""


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
    """Who still reaches a drained host: its operators, the vantage point, and the other hosts, for the letters."""
    peers = [address for other in fleet.mailhosts for address in other.addresses if other.name != mailhost.name]
    points = [address for point in fleet.vantage_points[:1] for address in sources(fleet, point, mailhost)]
    return tuple(dict.fromkeys((*mailhost.allow.ssh, *points, *peers)))


def sources(fleet: Fleet, point: VantagePoint, mailhost: MailHost) -> list[str]:
    """The addresses from which a vantage point reaches a host, over IPv4 and IPv6. Raises HostError when it is away."""
    if point.ssh is None:
        command = [sys.executable, "-", *mailhost.addresses]
        done = subprocess.run(command, input=SOURCES, capture_output=True, text=True, timeout=10, check=False)
    else:
        command_line = f"python3 - {shlex.join(mailhost.addresses)}"
        done = run_at(point.ssh, fleet.source.parent, command_line, SOURCES, seconds=20)
    return done.stdout.split()


def asked(mailhost: MailHost, verb: str, *words: str, seconds: int = 60) -> Any:
    command = shlex.join(["python3", "-B", PROGRAM, verb, *words])
    done = run_on(mailhost, PATH + command, seconds=seconds)
    if done.returncode:
        said = done.stderr.strip() or f"exits {done.returncode}"
        raise HostError(f"{mailhost.name}: {said}")
    return json.loads(done.stdout.splitlines()[-1])
