"""What changed between two results: fixed, broken, new, gone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from rich.text import Text

from ironpost.report.document import Document, Row, worst_first

CALM = ("holds", "not applicable", "waived")


@dataclasses.dataclass(frozen=True)
class Difference:
    """Rows of the later result, except `gone`, whose rows only the earlier one has.

    `new` are rows that were not asked before; `other` changed without getting better or worse (unknown and broken, or a
    finding that is another one now).
    """

    broken: tuple[Row, ...]
    fixed: tuple[Row, ...]
    new: tuple[Row, ...]
    gone: tuple[Row, ...]
    other: tuple[Row, ...]

    @property
    def worse(self) -> bool:
        """Something that held is broken or unknown now, or a new row is."""
        return bool(self.broken) or any(row["outcome"] not in CALM for row in self.new)


def difference(before: Document, after: Document) -> Difference:
    old, now = by_place(before), by_place(after)
    both = [(old[place], now[place]) for place in now if place in old]
    return Difference(
        broken=sorted_rows(row for was, row in both if was["outcome"] in CALM and row["outcome"] not in CALM),
        fixed=sorted_rows(row for was, row in both if was["outcome"] not in CALM and row["outcome"] in CALM),
        new=sorted_rows(row for place, row in now.items() if place not in old),
        gone=sorted_rows(row for place, row in old.items() if place not in now),
        other=sorted_rows(row for was, row in both if alike(was, row) and was["sides"] != row["sides"]),
    )


def by_place(found: Document) -> dict[tuple[str, str], Row]:
    return {(row["mailhost"], row["control"]): row for row in found["results"]}


def alike(was: Row, row: Row) -> bool:
    """Both in need of somebody."""
    return was["outcome"] not in CALM and row["outcome"] not in CALM


def sorted_rows(rows: Iterator[Row]) -> tuple[Row, ...]:
    return tuple(worst_first(list(rows)))


TITLES = {
    "broken": ("broken", "bold red"),
    "fixed": ("fixed", "green"),
    "new": ("new", "cyan"),
    "gone": ("not asked any more", "dim"),
    "other": ("still standing, with other evidence", "yellow"),
}


def difference_lines(found: Difference) -> Iterator[Text]:
    """A paragraph for each kind of change, then a sentence."""
    for name, (title, style) in TITLES.items():
        rows: tuple[Row, ...] = getattr(found, name)
        if rows:
            yield Text(title, style=style)
        for row in rows:
            yield Text(f"  {row['mailhost']}  {row['control']:<9} {row['claim']}  [{row['outcome']}]")
            for side, said in row["sides"].items():
                if said["state"] in ("broken", "unknown"):
                    yield Text(f"      {side}: {said['found']}")
    counts = [f"{len(getattr(found, name))} {title}" for name, (title, _) in TITLES.items() if getattr(found, name)]
    yield Text(", ".join(counts) or "nothing changed", style="bold")
