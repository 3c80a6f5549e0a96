"""The one result object: what a run says, as plain values. Every format is written from it; JSON is it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ironpost.compliance.proof import Judged, Proof
from ironpost.errors import InventoryError
from ironpost.settings import Waiver

SCHEMA = 1  # its shape: docs/verify.schema.json
OUTCOMES = ("broken", "unknown", "waived", "not applicable", "holds")  # worst first
SEVERITIES = ("critical", "high", "medium", "low")
Document = dict[str, Any]
Row = dict[str, Any]


def document(proof: Proof, tool: dict[str, str], inventory: str) -> Document:
    rows = [row_of(each) for each in proof.judged]
    return {
        "schema": SCHEMA,
        "tool": tool,
        "started": proof.started,
        "seconds": proof.seconds,
        "inventory": inventory,
        "profile": proof.wanted.profile,
        "deep": proof.wanted.deep,
        "disruptive": proof.wanted.disruptive,
        "totals": {outcome: len(proof.of(outcome)) for outcome in OUTCOMES},  # type: ignore[arg-type]
        "results": rows,
    }


def row_of(judged: Judged) -> Row:
    """One control on one mail host."""
    control = judged.control
    return {
        "mailhost": judged.mailhost,
        "control": control.id,
        "family": control.family,
        "claim": control.claim,
        "why": control.why,
        "level": control.level,
        "severity": control.severity,
        "cost": control.cost,
        "reference": control.reference,
        "mappings": [{"text": each.text, "clause": each.clause, "source": each.source} for each in control.mappings],
        "state": judged.state,
        "outcome": judged.outcome,
        "sides_disagree": judged.disagree,
        "waiver": waiver_of(judged.waiver) if judged.waiver else None,
        "sides": {
            side: {"state": verdict.state, "found": visible(verdict.found), "remedy": visible(verdict.remedy)}
            for side, verdict in judged.verdicts
        },
    }


def visible(text: str) -> str:
    """Control characters as \\x1b: what a server said must not steer the terminal that shows it."""
    return "".join(each if each.isprintable() or each == "\n" else f"\\x{ord(each):02x}" for each in text)


def waiver_of(waiver: Waiver) -> dict[str, str | None]:
    return {
        "reason": waiver.reason,
        "owner": waiver.owner,
        "until": f"{waiver.until:%Y-%m-%d}",
        "domain": waiver.domain,
    }


def read_document(path: Path) -> Document:
    """What `ironpost verify --json` wrote. Raises InventoryError for anything else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InventoryError(f"{path.name}: cannot be read as JSON ({error}); name a file of verify --json") from None
    if not isinstance(found, dict) or not isinstance(found.get("results"), list) or "profile" not in found:
        raise InventoryError(f"{path.name}: is no result of a verification; name a file of verify --json")
    if found.get("schema") != SCHEMA:
        raise InventoryError(f"{path.name}: has schema {found.get('schema')}, this is {SCHEMA}; use the same version")
    return found


def worst_first(rows: list[Row]) -> list[Row]:
    """Broken before unknown before the rest, of these the critical first; what holds in reading order."""
    return sorted(rows, key=lambda row: (OUTCOMES.index(row["outcome"]), urgency(row)))


def urgency(row: Row) -> int:
    return SEVERITIES.index(row["severity"]) if row["outcome"] in ("broken", "unknown", "waived") else 0


def mailhosts_of(found: Document) -> list[str]:
    return list(dict.fromkeys(row["mailhost"] for row in found["results"]))


def rows_of(found: Document, mailhost: str) -> list[Row]:
    return [row for row in found["results"] if row["mailhost"] == mailhost]


def waived_text(row: Row) -> str:
    """`waived until 2027-01-31 by anna: reason`; empty without a waiver."""
    waiver = row["waiver"]
    if not waiver:
        return ""
    scope = f" for {waiver['domain']}" if waiver["domain"] else ""
    needed = "waived" if row["outcome"] == "waived" else "a waiver stands that is not needed: remove it;"
    return f"{needed}{scope} until {waiver['until']} by {waiver['owner']}: {waiver['reason']}"


def totals(found: Document) -> str:
    """`2 mail hosts, 40 controls: 78 hold, 1 broken, 1 unknown`."""
    hosts, controls = len(mailhosts_of(found)), len({row["control"] for row in found["results"]})
    words = {"holds": "hold", "broken": "broken", "waived": "waived", "unknown": "unknown"}
    words["not applicable"] = "not applicable"
    counts = [
        f"{found['totals'][outcome]} {word}"
        for outcome, word in words.items()
        if found["totals"][outcome] or outcome == "holds"
    ]
    return f"{hosts} mail host{'s' * (hosts != 1)}, {controls} controls: {', '.join(counts)}"
