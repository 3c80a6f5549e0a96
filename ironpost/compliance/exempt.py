"""For a thorough scan: the vantage point is exempt from the limits of a host, for minutes, and is not afterwards."""

from __future__ import annotations

import contextlib
import json
import shlex
from collections.abc import Callable, Iterator
from typing import Any

from ironpost.errors import HostError, UnverifiableError
from ironpost.mailhost import MailHost
from ironpost.remote import run_on

MINUTES = 15
# Which address of the vantage point a mail host sees: nothing is sent for that (connect(2), SOCK_DGRAM).
SOURCES = """
import socket, sys
for address in sys.argv[1:]:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((address, 9))
            print(asked.getsockname()[0])
        except OSError:
            pass
"""


@contextlib.contextmanager
def exempted(mailhost: MailHost, sources: list[str]) -> Iterator[Callable[[], int]]:
    """Inside, these addresses are in the sets `scanner`; gives a function that says how much the host has dropped."""
    nft(
        mailhost,
        [f"add element inet ironpost {set_of(source)} {{ {source} timeout {MINUTES}m }}" for source in sources],
    )
    try:
        yield lambda: dropped(mailhost)
    finally:
        nft(mailhost, [f"delete element inet ironpost {set_of(source)} {{ {source} }}" for source in sources])
    left = [source for source in sources if source in nft(mailhost, [f"list set inet ironpost {set_of(source)}"])]
    if left:
        raise UnverifiableError(
            f"{mailhost.name}: {', '.join(left)} is still exempt from limits; nft delete element it"
        )


def set_of(source: str) -> str:
    return "scanner_v6" if ":" in source else "scanner_v4"


def nft(mailhost: MailHost, commands: list[str]) -> str:
    """What nft(8) prints. Raises UnverifiableError when the host cannot be reached or has no such sets."""
    try:
        done = run_on(mailhost, f"nft {shlex.quote('; '.join(commands))}")
    except HostError as error:
        raise UnverifiableError(str(error)) from None
    if done.returncode:
        said = " ".join(done.stderr.split())[:200]
        raise UnverifiableError(f"{mailhost.name}: the firewall cannot be told of the scan ({said}); deploy first")
    return done.stdout


def dropped(mailhost: MailHost) -> int:
    """Packets that came to the end of the rules."""
    try:
        done = run_on(mailhost, "nft -j list chain inet ironpost input")
        rules: list[dict[str, Any]] = [row["rule"] for row in json.loads(done.stdout)["nftables"] if "rule" in row]
    except (HostError, ValueError) as error:
        raise UnverifiableError(f"{mailhost.name}: what was dropped cannot be read ({error})") from None
    last = [rule for rule in rules if rule.get("comment") == "dropped"]
    return sum(int(part["counter"]["packets"]) for rule in last for part in rule["expr"] if "counter" in part)
