"""Out of service before a change, and back: new mail goes to the other hosts meanwhile, or waits with its senders."""

from __future__ import annotations

import subprocess
import time
from typing import Any

from . import units
from .state import Refused, note

TABLE = "ironpost_drain"
PORTS = (25, 465, 587)
TIMER = "ironpost-undrain"
# A controller that dies must not leave a host out of service.
AT_MOST_SECONDS = 1800


def ruleset(exempt: list[str]) -> str:
    """Refuses new connections to the ports that take mail, at once and visibly, so that senders try another MX.

    Without a reply they would wait for a timeout (RFC 5321 §4.5.3.2). Those exempt are the operators and the probes of
    the gate.
    """
    rows = []
    for version, family in ((4, "ip"), (6, "ip6")):
        networks = [network for network in exempt if (":" in network) == (version == 6)]
        if networks:
            rows.append(f"{family} saddr {{ {', '.join(networks)} }} accept")
    refused = f"tcp dport {{ {', '.join(map(str, PORTS))} }} ct state new counter reject with tcp reset"
    body = "\n    ".join(['iif "lo" accept', *rows, refused])
    return (
        f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n  chain input {{\n"
        f"    type filter hook input priority filter - 5; policy accept;\n    {body}\n  }}\n}}\n"
    )


def drain(exempt: list[str], seconds: int) -> dict[str, Any]:
    """Closes the doors for mail, then waits until sessions have ended and the queue is empty, at most so long."""
    arm()
    load(ruleset(exempt))
    note("drained: takes no new mail")
    subprocess.run(["postqueue", "-f"], check=False, capture_output=True)
    until = time.monotonic() + seconds
    while (left := remaining())["sessions"] + left["queued"] and time.monotonic() < until:
        time.sleep(0.5)
    return left


def undrain() -> dict[str, Any]:
    units.systemctl("stop", f"{TIMER}.timer", must=False)
    there = subprocess.run(["nft", "list", "table", "inet", TABLE], check=False, capture_output=True).returncode == 0
    if there:
        subprocess.run(["nft", "delete", "table", "inet", TABLE], check=True, capture_output=True)
        note("back in service")
    return {"was_drained": there}


def remaining() -> dict[str, int]:
    """Sessions that still bring mail, and messages that have not left."""
    filters = " or ".join(f"sport = :{port}" for port in PORTS)
    sessions = subprocess.run(
        ["ss", "-Htn", "state", "established", f"( {filters} )"], capture_output=True, text=True, check=False
    ).stdout.splitlines()
    queue = subprocess.run(["postqueue", "-j"], capture_output=True, text=True, check=False).stdout.splitlines()
    return {"sessions": len(sessions), "queued": len(queue)}


def load(rules: str) -> None:
    done = subprocess.run(["nft", "-f", "-"], input=rules, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"nft: {done.stderr.strip()}; the host stays in service")


def arm() -> None:
    units.systemctl("stop", f"{TIMER}.timer", must=False)
    command = ["systemd-run", "--quiet", "--collect", f"--on-active={AT_MOST_SECONDS}", f"--unit={TIMER}"]
    subprocess.run([*command, "nft", "delete", "table", "inet", TABLE], check=True, capture_output=True)
