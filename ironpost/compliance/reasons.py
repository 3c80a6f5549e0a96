"""Why a port is as a stranger found it: what the host says that listens there, and what its firewall says."""

from __future__ import annotations

from typing import Any

from ironpost.controls.filter import dports, rules_of, verdict_of
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot


def reasons(probes: Probes, snapshot: Any) -> dict[str, str]:
    """Port → a remark in parentheses, for each port that was found open or that something holds."""
    try:
        return told(probes, snapshot) if isinstance(snapshot, Snapshot) else {}
    except Exception:  # whatever a host may send: a remark more or less, and the controls say what is wrong with it
        return {}


def told(probes: Probes, snapshot: Snapshot) -> dict[str, str]:
    held: dict[int, set[str]] = {}
    for each in snapshot.listeners:
        if not each.is_loopback:
            held.setdefault(each.port, set()).update(each.programs or {"an unknown program"})
    rules = rules_of(snapshot.nftables, "ironpost", "input")
    accepted = {port for rule in rules if verdict_of(rule) == "accept" for port in dports(rule)}
    found = {port for parts in probes.raw["addresses"].values() for port in parts.get("ports", {}).get("open", [])}
    return {str(port): remark(port, held, accepted) for port in {*held, *accepted, *found}}


def remark(port: int, held: dict[int, set[str]], accepted: set[int]) -> str:
    who = f"{', '.join(sorted(held[port]))} listens" if port in held else "nothing listens"
    rule = "a rule of ours names it" if port in accepted else "no rule of ours names it"
    return f" ({who}, {rule})"
