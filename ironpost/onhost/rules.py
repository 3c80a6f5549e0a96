"""The packet filter as the kernel has it, compared with the file that it should come from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

FILE = Path("/etc/nftables.conf")
TABLE = "ironpost"
TABLES = (TABLE, "ironpost_bans")
MOVING = ("handle", "packets", "bytes", "expires")


def difference() -> str | None:
    """Why the rules in force are not those of the file; None when they are, or when there is no file of ours yet."""
    if not FILE.is_file() or f"table inet {TABLE}" not in FILE.read_text():
        return None
    wanted = listed("unshare", "--net", "sh", "-c", f"nft -f {FILE} && nft -j list ruleset")
    return (
        None if wanted is None or wanted == listed("nft", "-j", "list", "ruleset") else "not as in /etc/nftables.conf"
    )


def listed(*command: str) -> list[Any] | None:
    """Our tables without what changes by itself: counters, handles, and members of sets that come and go."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    rows = json.loads(done.stdout)["nftables"]
    return sorted((still(row) for row in rows if any(of_ours(part) for part in row.values())), key=place)


def place(row: dict[str, Any]) -> tuple[str, str, str]:
    """By table, kind and name: the kernel tells tables in the order in which they were made. Rules stay in theirs."""
    ((kind, part),) = row.items()
    return (part.get("table", part["name"] if kind == "table" else ""), kind, part.get("chain", part.get("name", "")))


def of_ours(part: dict[str, Any]) -> bool:
    return part.get("family") == "inet" and part.get("table", part.get("name")) in TABLES


def still(value: Any) -> Any:
    """The value without its moving parts."""
    if isinstance(value, list):
        return [still(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: still(each) for key, each in value.items() if key not in MOVING}
    if comes_and_goes(kept):
        kept.pop("elem", None)
    return kept


def comes_and_goes(part: dict[str, Any]) -> bool:
    """Whether this set counts sources or holds bans: nft of Debian 12 does not tell `dynamic`, but our lists are of
    intervals, and have no timeout.
    """
    flags = part.get("flags", [])
    flags = [flags] if isinstance(flags, str) else flags
    return "type" in part and "map" not in part and ("interval" not in flags or "timeout" in flags)
