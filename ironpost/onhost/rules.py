"""The packet filter as the kernel has it, compared with the file that it should come from."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

FILE = Path("/etc/nftables.conf")
TABLE = "ironpost"
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
    """Our table without what changes by itself: counters, handles, and the members of sets that count sources."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    rows = json.loads(done.stdout)["nftables"]
    return [still(row) for row in rows if any(of_ours(part) for part in row.values())]


def of_ours(part: dict[str, Any]) -> bool:
    return part.get("family") == "inet" and TABLE in (part.get("table"), part.get("name"))


def still(value: Any) -> Any:
    """The value without its moving parts."""
    if isinstance(value, list):
        return [still(each) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {key: still(each) for key, each in value.items() if key not in MOVING}
    if filled_by_packets(kept):
        kept.pop("elem", None)
    return kept


def filled_by_packets(part: dict[str, Any]) -> bool:
    """Whether this set counts sources: nft of Debian 12 does not tell `dynamic`, but our lists are of intervals."""
    flags = part.get("flags", [])
    return "type" in part and "map" not in part and "interval" not in ([flags] if isinstance(flags, str) else flags)
