"""`ironpost tls`: how certificates and keys stand, and the rollover from one key to the next."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ironpost.cli import Exit
from ironpost.cli.answer import write_answer
from ironpost.errors import DnsError, HostError, InventoryError
from ironpost.fleet import Fleet
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.timers import write_timer
from ironpost.tls.onhost import status_of
from ironpost.tls.rollover import Standing, advance
from ironpost.tls.shown import findings, status_json, status_lines

SCHEMA = 1

INVENTORY = click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
LIMIT = click.option("--limit", multiple=True, metavar="NAME", help="Only this mail host; repeatable.")
JSON = click.option("--json", "json_path", metavar="PATH|-", help="Also write the answer as JSON.")
QUIET = click.option("--quiet", is_flag=True, help="Print nothing but errors.")


@click.group()
def tls() -> None:
    """Certificates and keys of the mail hosts.

    \b
    Example:
      ironpost tls status inventories/prod.py
      ironpost tls roll inventories/prod.py --limit mx1.example.org --wait
    """


@tls.command()
@INVENTORY
@LIMIT
@JSON
@QUIET
def status(inventory: Path, limit: tuple[str, ...], json_path: str | None, quiet: bool) -> None:
    """Show certificates, keys and renewals of each host; exits 1 when one needs somebody. Changes nothing.

    \b
    Example:
      ironpost tls status inventories/prod.py
    """
    found, lost = [], []
    for mailhost in chosen(read_inventory(inventory), limit):
        try:
            found.append((mailhost, status_of(mailhost)))
        except HostError as error:
            lost.append(str(error))
    write_json(json_path, [status_json(*each) for each in found], lost)
    troubles = [trouble for each in found for trouble in findings(*each)]
    if not quiet and json_path != "-":
        click.echo("\n".join(line for each in found for line in status_lines(*each)))
    for sentence in (*(troubles if quiet or json_path == "-" else ()), *lost):
        click.echo(sentence, err=True)
    sys.exit(Exit.FOUND if troubles else Exit.UNVERIFIED if lost else Exit.DONE)


@tls.command()
@INVENTORY
@LIMIT
@JSON
@QUIET
@click.option("--wait", is_flag=True, help="Stay until it is done, instead of saying what it waits for.")
@click.option("--older-than", type=click.IntRange(0), default=0, metavar="DAYS", help="Leave younger keys alone.")
@click.option("--exit-code", is_flag=True, help="Exit 3 when a host waits.")
@click.option(
    "--write-timer",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write a systemd timer for this controller that rolls on schedule (with --older-than), and do nothing else.",
)
def roll(
    inventory: Path,
    limit: tuple[str, ...],
    json_path: str | None,
    quiet: bool,
    wait: bool,
    older_than: int,
    exit_code: bool,
    write_timer: Path | None,
) -> None:
    """Roll to the next key in the order in which no DANE sender fails. Run again (anywhere): it goes on.

    \b
    Example:
      ironpost tls roll inventories/prod.py --wait
      ironpost tls roll inventories/prod.py --older-than 180 --write-timer /etc/systemd/system
    """
    fleet = read_inventory(inventory)
    hosts = chosen(fleet, limit)
    if write_timer:
        scheduled(write_timer, inventory, limit, older_than)
        return
    say = (lambda _: None) if quiet or json_path == "-" else click.echo
    standings, errors = rolled(fleet, hosts, say, wait, older_than)
    for standing in standings:
        say(f"{standing.mailhost}: {standing.sentence}")
    write_json(json_path, [standing_json(each) for each in standings], errors)
    for error in errors:
        click.echo(error, err=True)
    if errors:
        sys.exit(Exit.FOUND)
    waiting = exit_code and any(not standing.done for standing in standings)
    sys.exit(Exit.PENDING if waiting else Exit.DONE)


def scheduled(folder: Path, inventory: Path, limit: tuple[str, ...], older_than: int) -> None:
    if not older_than:
        raise click.UsageError("--write-timer needs --older-than DAYS; without it a key would be rolled every day")
    limits = [word for name in limit for word in ("--limit", name)]
    words = ["tls", "roll", str(inventory.resolve()), *limits, "--older-than", str(older_than), "--wait"]
    for path in write_timer(folder, "ironpost-tls-roll", "TLS keys are rolled over when they are old", words):
        click.echo(f"{path} written")
    click.echo("start it with: systemctl daemon-reload && systemctl enable --now ironpost-tls-roll.timer")


def rolled(
    fleet: Fleet, hosts: list[MailHost], say: Callable[[str], None], wait: bool, older_than: int
) -> tuple[list[Standing], list[str]]:
    """Each host as far as it goes; with `wait`, until none waits any more. One host's trouble stops no other."""
    standings: dict[str, Standing] = {}
    errors: list[str] = []
    left = hosts
    while left:
        for mailhost in left:
            try:
                standings[mailhost.name] = advance(fleet, mailhost, say, older_than)
            except (HostError, DnsError) as error:
                standings.pop(mailhost.name, None)
                errors.append(str(error))
        left = [each for each in left if each.name in standings and not standings[each.name].done]
        if not wait or not left:
            break
        for mailhost in left:
            say(f"{mailhost.name}: {standings[mailhost.name].sentence}")
        time.sleep(max(1, min(standings[each.name].seconds for each in left)))
    return list(standings.values()), errors


def chosen(fleet: Fleet, limit: tuple[str, ...]) -> list[MailHost]:
    """Raises InventoryError for a name that is none."""
    names = [mailhost.name for mailhost in fleet.mailhosts]
    for name in limit:
        if name not in names:
            raise InventoryError(f"--limit {name}: no such mail host; there are {', '.join(names)}")
    return [mailhost for mailhost in fleet.mailhosts if not limit or mailhost.name in limit]


def standing_json(standing: Standing) -> dict[str, Any]:
    return {
        "mailhost": standing.mailhost,
        "done": standing.done,
        "sentence": standing.sentence,
        "seconds_left": standing.seconds,
    }


def write_json(path: str | None, results: list[dict[str, Any]], errors: list[str]) -> None:
    write_answer(path, SCHEMA, results, errors=errors)
