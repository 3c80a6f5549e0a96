"""Runs on a mail host, sent over standard input: reads how it stands and prints one JSON object. Changes nothing."""

from __future__ import annotations

import collections
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

TOP = Path("/var/lib/ironpost")
CHAIN = Path("/etc/ssl/ironpost/chain.pem")
SECONDS = 20
REASON = 120  # characters of a delay's reason: the rest repeats the other server's address


def run(*words: str) -> str:
    """Standard output; empty when the program is not there or does not end."""
    try:
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=SECONDS).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def loaded(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        return found
    except (OSError, ValueError):
        return {}


def generation() -> dict[str, Any]:
    """The generation in place, and whether a change is under way."""
    state = loaded(TOP / "state.json")
    manifest = loaded(TOP / "generations" / str(state.get("current", 0)) / "manifest.json")
    meta = manifest.get("meta", {})
    return {
        "number": state.get("current", 0),
        "phase": state.get("phase", "settled"),
        "when": meta.get("when"),
        "who": meta.get("who"),
        "commit": meta.get("commit"),
        "units": [unit["name"] for unit in manifest.get("units", []) if unit.get("state") == "running"],
    }


def queue() -> dict[str, Any]:
    """How many messages wait in which queue, the oldest's age, and the commonest reason (postqueue(1), -j)."""
    rows = [json.loads(line) for line in run("postqueue", "-j").splitlines()]
    reasons = collections.Counter(
        re.sub(r"\s+", " ", recipient["delay_reason"])[:REASON]
        for row in rows
        for recipient in row["recipients"]
        if recipient.get("delay_reason")
    )
    arrivals = [row["arrival_time"] for row in rows]
    return {
        "waiting": dict(collections.Counter(row["queue_name"] for row in rows)),
        "oldest_seconds": int(time.time()) - min(arrivals) if arrivals else 0,
        "reason": reasons.most_common(1)[0][0] if reasons else None,
    }


def units(names: list[str]) -> list[str]:
    """Units that have failed, and those of the generation that should run and do not.

    One whose conditions do not hold on this machine (systemd.unit(5), ConditionVirtualization=) is not meant to.
    """
    listing = run("systemctl", "list-units", "--failed", "--plain", "--no-legend")
    wanted = "Id,ActiveState,Type,ConditionResult,ConditionTimestampMonotonic"
    states = run("systemctl", "show", "-p", wanted, *names).split("\n\n") if names else []
    shown = [dict(line.partition("=")[::2] for line in state.splitlines()) for state in states]
    return sorted({*(line.split()[0] for line in listing.splitlines()), *(each["Id"] for each in shown if idle(each))})


def idle(unit: dict[str, str]) -> bool:
    declined = unit["ConditionResult"] == "no" and unit["ConditionTimestampMonotonic"] != "0"
    return unit["ActiveState"] == "inactive" and unit.get("Type") != "oneshot" and not declined


def room() -> dict[str, float]:
    """Folder → share of its file system that is free, in bytes or inodes, whichever is scarcer."""
    found = {}
    for folder in ("/", "/var/spool/postfix", "/var/vmail"):
        if Path(folder).exists():
            place = os.statvfs(folder)
            bytes_free = place.f_bavail / place.f_blocks if place.f_blocks else 1.0
            inodes_free = place.f_favail / place.f_files if place.f_files else 1.0
            found[folder] = round(min(bytes_free, inodes_free), 3)
    return found


def certificate() -> str | None:
    """notAfter, as openssl prints it."""
    return run("openssl", "x509", "-in", str(CHAIN), "-noout", "-enddate").strip().removeprefix("notAfter=") or None


def bans() -> int:
    """Addresses and networks that are shut out now."""
    text = run("nft", "-j", "list", "table", "inet", "ironpost_bans")
    rows = json.loads(text)["nftables"] if text else []
    sets = [row["set"] for row in rows if "set" in row]
    return sum(len(each.get("elem", [])) for each in sets if each["name"].startswith(("logins_", "ssh_")))


def drained() -> bool:
    return "table inet ironpost_drain" in run("nft", "list", "tables", "inet")


def read() -> dict[str, Any]:
    place = generation()
    return {
        "generation": {key: value for key, value in place.items() if key != "units"},
        "queue": queue() if shutil.which("postqueue") else {"waiting": {}, "oldest_seconds": 0, "reason": None},
        "units": units(place["units"]),
        "room": room(),
        "certificate": certificate() if CHAIN.exists() else None,
        "bans": bans(),
        "drained": drained(),
        "clock": time.time(),
        "reboot": Path("/run/reboot-required").exists(),
    }


if __name__ == "__main__":
    os.environ["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    os.environ["LC_ALL"] = "C"
    print(json.dumps(read()))
