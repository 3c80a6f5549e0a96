"""Whether a mail host answers on port 25, seen from outside: asked before an MX leads the world's mail there."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ironpost.errors import HostError
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost
from ironpost.remote import run_at
from ironpost.settings import Ssh

SECONDS = 10  # for one address; RFC 5321 §4.5.3.2.1 grants five minutes, which no working host needs

# Runs at the vantage point, which has python3 and nothing of ours. Prints {address: first line or error}.
SCRIPT = """
import json, socket, sys
found = {}
for address in sys.argv[2:]:
    try:
        with socket.create_connection((address, 25), timeout=float(sys.argv[1])) as door:
            found[address] = door.makefile(encoding="utf-8", errors="replace").readline().strip()
            door.sendall(b"QUIT\\r\\n")
    except OSError as error:
        found[address] = error.strerror or "no answer in time"
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Contact:
    """What came of it. `silence` is a sentence for each address that did not greet."""

    whence: str
    silence: tuple[str, ...]


def contact(fleet: Fleet, mailhosts: Iterable[MailHost]) -> Contact:
    """Asks from the first vantage point, else from this controller. Raises HostError when it cannot be asked there."""
    hosts = list(mailhosts)
    addresses = [address for mailhost in hosts for address in mailhost.addresses]
    words = [str(SECONDS), *addresses]
    stranger = next((point.ssh for point in fleet.vantage_points if point.ssh), None)
    if stranger:
        whence, answer = from_vantage_point(stranger, fleet.source.parent, words)
    else:
        whence, answer = "this controller, there being no vantage point elsewhere", from_here(words)
    silence = [
        f"{mailhost.name}: port 25 of {address} gives {answer.get(address) or 'nothing'!r} from {whence}; "
        "deploy the host, then run this again"
        for mailhost in hosts
        for address in mailhost.addresses
        if not answer.get(address, "").startswith("220")
    ]
    return Contact(whence, tuple(silence))


def from_vantage_point(ssh: Ssh, directory: Path, words: list[str]) -> tuple[str, dict[str, str]]:
    whence = f"the vantage point {ssh.address}"
    done = run_at(ssh, directory, f"python3 - {shlex.join(words)}", SCRIPT, seconds=budget(words))
    return whence, answers(whence, done)


def from_here(words: list[str]) -> dict[str, str]:
    command = [sys.executable, "-c", SCRIPT, *words]
    return answers(
        "this controller",
        subprocess.run(command, capture_output=True, text=True, timeout=budget(words), check=False),
    )


def budget(words: list[str]) -> int:
    return 20 + (SECONDS + 5) * len(words)


def answers(whence: str, done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(done.stdout)
    except ValueError:
        said = " ".join(done.stderr.split())[-200:] or f"exits {done.returncode}"
        raise HostError(f"{whence}: cannot ask for port 25 ({said}); it needs python3") from None
    return found
