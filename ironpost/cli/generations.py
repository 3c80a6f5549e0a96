"""`ironpost generations` and `ironpost rollback`: the past of a host, and the way back to it."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import click
from rich.console import Console

from ironpost.cli import Exit
from ironpost.cli.answer import write_answer
from ironpost.cli.plan import chosen
from ironpost.errors import HostError, InventoryError
from ironpost.fleet import Fleet
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.report.events import gate_line
from ironpost.rollout import hosts
from ironpost.rollout.gate import look_through

SCHEMA = 1
MOST_NAMES = 6


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--limit", multiple=True, metavar="NAME", help="Only this mail host; repeatable.")
@click.option("--json", "json_path", metavar="PATH|-", help="Also write them as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def generations(inventory: Path, limit: tuple[str, ...], json_path: str | None, quiet: bool) -> None:
    """What each host keeps of its past: when, by whom, from which commit, and what changed.

    \b
    Example:
      ironpost generations inventories/prod.py --limit mx1.example.org
    """
    found: dict[str, tuple[hosts.Past, ...]] = {}
    unread = []
    for mailhost in chosen(read_inventory(inventory).mailhosts, limit):
        try:
            found[mailhost.name] = hosts.generations(mailhost)
        except HostError as error:
            unread.append(str(error))
    write_json(json_path, found)
    for name, rows in found.items() if not quiet and json_path != "-" else ():
        click.echo(name)
        for row in rows:
            click.echo(line_of(row))
    for error_text in unread:
        click.echo(error_text, err=True)
    sys.exit(Exit.UNVERIFIED if unread else Exit.DONE)


def line_of(past: hosts.Past) -> str:
    meta = past.meta
    mark = "→" if past.current else " "
    back = f" (back to {meta['back_to']})" if "back_to" in meta else ""
    when, who, commit = meta.get("when", "?"), meta.get("who", "?"), meta.get("commit", "none")
    return f"  {mark} {past.number:>3}{back}  {when}  {who}  inventory {commit}  {changes(past)}"


def changes(past: hosts.Past) -> str:
    if past.files is None:
        return "what it changed is no longer known"
    if past.number == 1:
        return f"the first: {len(past.files)} files, {len(past.packages)} packages"
    names = [f"{path} {what}" for path, what in past.files.items()]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    packages = f"; packages {', '.join(past.packages)}" if past.packages else ""
    return (", ".join(names[:MOST_NAMES]) or "no file") + more + packages


def write_json(path: str | None, found: dict[str, tuple[hosts.Past, ...]]) -> None:
    results = [
        {"mailhost": name, "generations": [dataclasses.asdict(row) for row in rows]} for name, rows in found.items()
    ]
    write_answer(path, SCHEMA, results)


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("host", required=False)
@click.option("--to", type=click.IntRange(1), metavar="NUMBER", help="This generation; else the one before.")
def rollback(inventory: Path, host: str | None, to: int | None) -> None:
    """Put an earlier generation of HOST back in place; it is checked, confirmed and verified like any other.

    Packages stay as they are. The next deploy brings what the inventory says.

    \b
    Example:
      ironpost rollback inventories/prod.py mx1.example.org
      ironpost rollback inventories/prod.py mx1.example.org --to 3
    """
    fleet = read_inventory(inventory)
    mailhost = one(fleet, host)
    number = hosts.roll_back(mailhost, to)
    click.echo(f"{mailhost.name}: generation {number} is back in place")
    gate = look_through(fleet, (mailhost,), {})
    Console(highlight=False, soft_wrap=True).print(
        gate_line({"open": gate.open, "held": gate.held, "faults": gate.faults, "noted": gate.noted})
    )
    sys.exit(Exit.DONE if gate.open else Exit.FOUND)


def one(fleet: Fleet, name: str | None) -> MailHost:
    """The host of that name; a fleet of one host needs none."""
    known = [mailhost.name for mailhost in fleet.mailhosts]
    if name is None and len(known) == 1:
        return fleet.mailhosts[0]
    if name not in known:
        raise InventoryError(f"{name or 'HOST'}: name one mail host to roll back; there are {', '.join(known)}")
    return fleet.mailhost(name)
