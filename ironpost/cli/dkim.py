"""`ironpost dkim`: the signing keys of each host, and their rotation."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from ironpost.cli import Exit
from ironpost.cli.dns import JSON, QUIET
from ironpost.cli.dns_answers import complain, write_json
from ironpost.cli.plan import chosen
from ironpost.dkim.course import HOUR
from ironpost.dkim.revoke import revoke_now
from ironpost.dkim.rotate import Course, asked_for, go_on, on_schedule
from ironpost.dkim.shown import shortened, status_json, status_lines, waiting_json, waiting_lines
from ironpost.dns.shown import outcome_json
from ironpost.dns.told import tellings
from ironpost.fleet import Fleet
from ironpost.inventory import read_inventory
from ironpost.timers import write_timer

INVENTORY = click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
LIMIT = click.option("--limit", multiple=True, metavar="NAME", help="Only this mail host; repeatable.")
LONGEST_WAIT = HOUR  # what takes days is left to the next run


@click.group()
def dkim() -> None:
    """Show the signing keys of each host, and change them without a bad second.

    \b
    Example:
      ironpost dkim status inventories/prod.py
      ironpost dkim rotate inventories/prod.py --wait
    """


@dkim.command()
@INVENTORY
@LIMIT
@JSON
@QUIET
def status(inventory: Path, limit: tuple[str, ...], json_path: str | None, quiet: bool) -> None:
    """Tell each pair of keys, where it stands, and since when. Changes nothing.

    \b
    Example:
      ironpost dkim status inventories/prod.py
    """
    mailhosts = chosen(read_inventory(inventory).mailhosts, limit)
    told, unread = tellings(mailhosts)
    write_json(json_path, status_json(mailhosts, told), unread)
    if not quiet and json_path != "-":
        click.echo("\n".join(status_lines(mailhosts, told)))
    complain(unread)
    sys.exit(Exit.UNVERIFIED if unread else Exit.DONE)


@dkim.command()
@INVENTORY
@LIMIT
@JSON
@QUIET
@click.option("--wait", is_flag=True, help="Wait for what is due within the hour.")
@click.option("--due", is_flag=True, help="Begin only where rotate_days is over; go on with what is under way.")
@click.option("--revoke-now", is_flag=True, help="For a stolen host: revoke all its selectors in DNS, ask it nothing.")
@click.option("--write-timer", "timer", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
def rotate(
    inventory: Path,
    limit: tuple[str, ...],
    json_path: str | None,
    quiet: bool,
    wait: bool,
    due: bool,
    revoke_now: bool,
    timer: Path | None,
) -> None:
    """Give each host a new pair of keys, or go on with the rotation that is under way.

    \b
    Born on the host, shown by every name server, waited for, signed with; the old pair is kept until no queue holds
    its mail, then revoked and removed. Run it again at any time, from any controller: it goes on and says what it
    waits for. --write-timer DIR writes a systemd timer for this controller that does so every day.

    \b
    Example:
      ironpost dkim rotate inventories/prod.py --limit mx1.example.org --wait
      ironpost dkim rotate inventories/prod.py --limit mx1.example.org --revoke-now
      ironpost dkim rotate inventories/prod.py --write-timer /etc/systemd/system
    """
    fleet = read_inventory(inventory)
    say = (lambda _: None) if quiet or json_path == "-" else click.echo
    if timer is not None:
        say("\n".join(scheduled(timer, inventory, limit)))
        return
    if revoke_now:
        revoke(fleet, limit, json_path, say)
        return
    run = Course(fleet, chosen(fleet.mailhosts, limit), on_schedule if due else asked_for, say)
    for mailhost in run.mailhosts:
        short = [domain.name for domain in mailhost.domains if domain.dkim.test_wait_seconds is not None]
        complain([shortened(mailhost, domain) for domain in short])
    go_on(run)
    while wait and (seconds := run.next_seconds) is not None and seconds <= LONGEST_WAIT:
        say("\n".join(waiting_lines(run)))
        time.sleep(seconds + 1)  # the host counts in whole seconds
        go_on(run)
    say("\n".join(waiting_lines(run)))
    blocked = [due.why for dues in run.waiting.values() for due in dues if due.blocked]
    write_json(json_path, waiting_json(run), [*run.errors, *run.silent])
    complain([*run.errors, *run.silent])
    if run.errors or blocked:
        sys.exit(Exit.FOUND)
    sys.exit(Exit.UNVERIFIED if run.silent else Exit.DONE)


def revoke(fleet: Fleet, limit: tuple[str, ...], json_path: str | None, say: Callable[[str], None]) -> None:
    """Raises a usage error unless one host is named: the whole fleet is not revoked by a slip."""
    if len(limit) != 1:
        raise click.UsageError("--revoke-now takes the keys of one host from the world; name it with --limit")
    [mailhost] = chosen(fleet.mailhosts, limit)
    outcomes = revoke_now(fleet, mailhost, say)
    errors = [each.error for each in outcomes if each.error]
    write_json(json_path, [outcome_json(each) for each in outcomes], errors)
    complain(errors)
    if not errors:
        click.echo(
            f"{mailhost.name}: no signature of it verifies any more; take it out of the inventory, or set it up anew, "
            "deploy it and run `ironpost dkim rotate`",
            err=True,
        )
    sys.exit(Exit.FOUND if errors else Exit.DONE)


def scheduled(folder: Path, inventory: Path, limit: tuple[str, ...]) -> list[str]:
    """Writes the units of the controller, and tells how they are switched on."""
    limits = [word for name in limit for word in ("--limit", name)]
    words = ["dkim", "rotate", str(inventory.resolve()), *limits, "--due", "--wait", "--quiet"]
    paths = write_timer(folder, "ironpost-dkim-rotate", "DKIM keys are changed where it is due", words)
    start = "start it with: systemctl daemon-reload && systemctl enable --now ironpost-dkim-rotate.timer"
    return [*(f"{path} written" for path in paths), start]
