"""A proof as text for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.text import Text

from ironpost.compliance.proof import Judged, Proof

SIGNS = {
    "holds": ("✓", "green"),
    "broken": ("✗", "bold red"),
    "unknown": ("?", "yellow"),
    "not applicable": ("–", "dim"),
}
WORST_FIRST = ("broken", "unknown", "not applicable", "holds")


def text_lines(proof: Proof) -> Iterator[Text]:
    """A paragraph for each mail host, findings first; then a sentence of totals."""
    for mailhost in dict.fromkeys(each.mailhost for each in proof.judged):
        rows = [each for each in proof.judged if each.mailhost == mailhost]
        yield Text(mailhost, style="bold")
        for state in WORST_FIRST:
            for row in (each for each in rows if each.state == state):
                yield from row_lines(row)
    yield Text(totals(proof), style="bold")


def row_lines(row: Judged) -> Iterator[Text]:
    sign, style = SIGNS[row.state]
    line = Text("  ")
    line.append(f"{sign} {row.control.id:<9}", style=style)
    line.append(f" {row.control.claim}")
    line.append(
        f"  [{', '.join(side for side, verdict in row.verdicts if verdict.state == 'holds')}]" * (row.state == "holds")
    )
    yield line
    if row.state == "holds":
        return
    if row.disagree:
        yield Text("              the sides disagree", style=style)
    for side, verdict in row.verdicts:
        if verdict.state != "holds":
            yield Text(f"              {side}: {verdict.found}")
            if verdict.remedy:
                yield Text(f"              → {verdict.remedy}", style="cyan")


def totals(proof: Proof) -> str:
    """`2 mail hosts, 40 controls: 78 hold, 1 broken, 1 unknown`."""
    hosts = len({each.mailhost for each in proof.judged})
    controls = len({each.control.id for each in proof.judged})
    words = {"holds": "hold", "broken": "broken", "unknown": "unknown", "not applicable": "not applicable"}
    counts = [f"{len(proof.of(state))} {word}" for state, word in words.items() if proof.of(state) or state == "holds"]  # type: ignore[arg-type]
    return f"{hosts} mail host{'s' * (hosts != 1)}, {controls} controls: {', '.join(counts)}"


def results_json(proof: Proof) -> list[dict[str, Any]]:
    """One row for each control on each mail host."""
    return [
        {
            "mailhost": each.mailhost,
            "control": each.control.id,
            "claim": each.control.claim,
            "level": each.control.level,
            "severity": each.control.severity,
            "reference": each.control.reference,
            "state": each.state,
            "sides_disagree": each.disagree,
            "sides": {
                side: {"state": verdict.state, "found": verdict.found, "remedy": verdict.remedy}
                for side, verdict in each.verdicts
            },
        }
        for each in proof.judged
    ]
