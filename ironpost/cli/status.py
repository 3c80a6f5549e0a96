"""`ironpost status`: one line a host, and a sentence for each thing that needs somebody."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import click

from ironpost.cli import Exit
from ironpost.cli.answer import write_answer
from ironpost.cli.plan import chosen
from ironpost.inventory import read_inventory
from ironpost.status import Reading, read_all, wants

SCHEMA = 1
TITLES = ("host", "generation", "since", "by", "inventory", "waiting", "certificate", "room", "shut out")


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--limit", multiple=True, metavar="NAME", help="Only this mail host; repeatable.")
@click.option("--json", "json_path", metavar="PATH|-", help="Also write it as JSON.")
@click.option("--quiet", is_flag=True, help="Print only what needs somebody.")
def status(inventory: Path, limit: tuple[str, ...], json_path: str | None, quiet: bool) -> None:
    """How each host stands now: generation, queue, certificate, disk, units. Exit 1 when something needs somebody.

    It asks the hosts and proves nothing: that is what `ironpost verify` is for.

    \b
    Example:
      ironpost status inventories/prod.py
    """
    readings = read_all(chosen(read_inventory(inventory).mailhosts, limit))
    write_json(json_path, readings)
    if json_path != "-":
        show(readings, quiet)
    if any(wants(each) for each in readings if not each.unread):
        sys.exit(Exit.FOUND)
    sys.exit(Exit.UNVERIFIED if any(each.unread for each in readings) else Exit.DONE)


def show(readings: list[Reading], quiet: bool) -> None:
    for line in () if quiet else table(readings):
        click.echo(line)
    for each in readings:
        for sentence in wants(each):
            click.echo(sentence if each.unread else f"{each.mailhost}: {sentence}")


def table(readings: list[Reading]) -> list[str]:
    """Lines in columns, as wide as they are: a pipe gets what a terminal gets."""
    rows = [list(TITLES), *([each.mailhost, *(["?"] if each.unread else row_of(each))] for each in readings)]
    widths = [max(len(row[at]) for row in rows if at < len(row)) for at in range(len(TITLES))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]


def row_of(reading: Reading) -> list[str]:
    """The cells after the host's name."""
    facts = reading.facts
    place, days = facts["generation"], reading.certificate_days
    return [
        str(place["number"] or "none"),
        place["when"] or "",
        place["who"] or "",
        (place["commit"] or "")[:12],
        str(reading.waiting),
        "none" if days is None else f"{days:.0f} days",
        f"{min(facts['room'].values()):.0%} free",
        str(facts["bans"]),
    ]


def write_json(path: str | None, readings: list[Reading]) -> None:
    results = [dataclasses.asdict(each) | {"wants": wants(each)} for each in readings]
    write_answer(path, SCHEMA, results)
