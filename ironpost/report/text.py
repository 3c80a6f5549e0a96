"""A result for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from ironpost.report.document import Document, Row, mailhosts_of, rows_of, totals, waived_text, worst_first

SIGNS = {
    "holds": ("✓", "green"),
    "broken": ("✗", "bold red"),
    "waived": ("~", "magenta"),
    "unknown": ("?", "yellow"),
    "not applicable": ("–", "dim"),
}
INDENT = " " * 14


def text_lines(found: Document, only_findings: bool = False) -> Iterator[Text]:
    """A paragraph for each mail host, worst first; then a sentence of totals."""
    for mailhost in mailhosts_of(found):
        rows = rows_of(found, mailhost)
        if only_findings:
            rows = [row for row in rows if row["outcome"] in ("broken", "unknown")]
        if rows:
            yield Text(mailhost, style="bold")
        for row in worst_first(rows):
            yield from row_lines(row)
    yield Text(totals(found), style="bold")


def row_lines(row: Row) -> Iterator[Text]:
    sign, style = SIGNS[row["outcome"]]
    line = Text("  ")
    line.append(f"{sign} {row['control']:<9}", style=style)
    line.append(f" {row['claim']}")
    if row["outcome"] == "holds":
        line.append(f"  [{', '.join(side for side, said in row['sides'].items() if said['state'] == 'holds')}]")
    elif row["outcome"] in ("broken", "waived"):
        line.append(f"  ({row['severity']})", style=style)
    yield line
    if row["outcome"] != "holds":
        yield from side_lines(row, style)
    if row["waiver"]:
        yield Text(f"{INDENT}{waived_text(row)}", style="magenta")


def side_lines(row: Row, style: str) -> Iterator[Text]:
    if row["sides_disagree"]:
        yield Text(f"{INDENT}the sides disagree", style=style)
    for side, said in row["sides"].items():
        if said["state"] != "holds":
            yield Text(f"{INDENT}{side}: {said['found']}")
            if said["remedy"]:
                yield Text(f"{INDENT}→ {said['remedy']}", style="cyan")
