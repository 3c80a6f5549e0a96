"""A result as SARIF 2.1.0 (OASIS), for code scanning services: a rule for each control, a result for each row."""

from __future__ import annotations

import hashlib
from typing import Any

from ironpost.report.document import Document, Row, waived_text

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
# The scale on which code scanning services sort security findings.
SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "3.0"}
KINDS = {"broken": "fail", "waived": "fail", "unknown": "open", "not applicable": "notApplicable", "holds": "pass"}


def sarif(found: Document) -> dict[str, Any]:
    rules = list({row["control"]: rule(row) for row in found["results"]}.values())
    order = {each["id"]: number for number, each in enumerate(rules)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "ironpost", "version": found["tool"]["version"], "rules": rules}},
                "invocations": [{"executionSuccessful": True, "startTimeUtc": found["started"]}],
                "results": [result(row, order, found["inventory"]) for row in found["results"]],
            }
        ],
    }


def rule(row: Row) -> dict[str, Any]:
    return {
        "id": row["control"],
        "shortDescription": {"text": row["claim"]},
        "fullDescription": {"text": row["why"]},
        "help": {"text": f"{row['why']}\n{row['reference']}"},
        "defaultConfiguration": {"level": LEVELS[row["severity"]]},
        "properties": {
            "tags": ["security", row["family"], row["level"]],
            "security-severity": SCORES[row["severity"]],
        },
    }


def result(row: Row, order: dict[str, int], inventory: str) -> dict[str, Any]:
    """The level of anything that is not a finding is `none` (SARIF §3.27.10)."""
    told = [f"{side}: {said['found']}" for side, said in row["sides"].items() if said["found"]]
    remedies = dict.fromkeys(said["remedy"] for said in row["sides"].values() if said["remedy"])
    text = f"{row['mailhost']}: " + ("; ".join([*told, *remedies]) or row["claim"])
    place = {
        "physicalLocation": {"artifactLocation": {"uri": inventory}, "region": {"startLine": 1}},
        "logicalLocations": [{"fullyQualifiedName": row["mailhost"], "kind": "resource"}],
    }
    made = {
        "ruleId": row["control"],
        "ruleIndex": order[row["control"]],
        "kind": KINDS[row["outcome"]],
        "level": LEVELS[row["severity"]] if KINDS[row["outcome"]] == "fail" else "none",
        "message": {"text": text},
        "locations": [place],
        "partialFingerprints": {"mailhostAndControl/v1": fingerprint(row)},
    }
    if row["outcome"] == "waived":
        made["suppressions"] = [{"kind": "external", "status": "accepted", "justification": waived_text(row)}]
    return made


def fingerprint(row: Row) -> str:
    return hashlib.sha256(f"{row['mailhost']}\0{row['control']}".encode()).hexdigest()
