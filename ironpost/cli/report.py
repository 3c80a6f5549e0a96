"""`ironpost report`: what results of verifications say of each other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from ironpost import __version__
from ironpost.cli import Exit
from ironpost.report.difference import TITLES, difference, difference_lines
from ironpost.report.document import read_document

SCHEMA = 1


@click.group()
def report() -> None:
    """Compare results of `ironpost verify --json`."""


@report.command()
@click.argument("before", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("after", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "json_path", metavar="PATH|-", help="Also write the difference as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing.")
def diff(before: Path, after: Path, json_path: str | None, quiet: bool) -> None:
    """What changed from BEFORE to AFTER: fixed, broken, new. Exits 1 when something got worse.

    \b
    Example:
      ironpost report diff monday.json tuesday.json
    """
    found = difference(read_document(before), read_document(after))
    if json_path:
        tool = {"name": "ironpost", "version": __version__}
        shown = {"schema": SCHEMA, "tool": tool, "results": {name: list(getattr(found, name)) for name in TITLES}}
        text = json.dumps(shown, indent=1) + "\n"
        click.echo(text, nl=False) if json_path == "-" else Path(json_path).write_text(text)
    if not quiet and json_path != "-":
        console = Console(highlight=False, soft_wrap=True)
        for line in difference_lines(found):
            console.print(line)
    sys.exit(Exit.FOUND if found.worse else Exit.DONE)
