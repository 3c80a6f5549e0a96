"""`ironpost rollout`: a fleet changed in waves, each behind a gate, with a way back."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
from rich.console import Console

from ironpost.cli import Exit
from ironpost.cli.plan import HOSTS_AT_ONCE, chosen, planned
from ironpost.cli.plan import lines as plan_lines
from ironpost.errors import InventoryError
from ironpost.fleet import Fleet
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.render import data_dir
from ironpost.report.events import line_of
from ironpost.rollout.child import Event
from ironpost.rollout.record import Record, new_record, read_record, state_directory
from ironpost.rollout.run import Drain, Options, Rollout
from ironpost.rollout.waves import Wave, waves_of

SCHEMA = 1


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--limit", multiple=True, metavar="NAME", help="Only this mail host; repeatable.")
@click.option("--canary", type=click.IntRange(1), help="Hosts of the first wave.  [inventory, else 1]")
@click.option("--waves", metavar="SIZES", help="What is done after each wave: 10%,50%,100% or 1,5.  [inventory]")
@click.option("--bake", metavar="SECONDS", help="Watch each wave so long before the next: 30s, 10m.  [inventory]")
@click.option(
    "--max-failures", type=click.IntRange(0), help="Hosts that may fail before all stops.  [inventory, else 0]"
)
@click.option("--drain", type=click.Choice(["alone", "always", "never"]), default="alone", show_default=True)
@click.option("--deploy", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="[deploys/mail.py]")
@click.option("--resume", is_flag=True, help="Go on with the last rollout of this inventory.")
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), help="Where records of rollouts are kept.")
@click.option("--json", "json_path", metavar="PATH|-", help="Also write every event as a line of JSON.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--quiet", is_flag=True, help="Print nothing but what went wrong.")
def rollout(
    inventory: Path,
    limit: tuple[str, ...],
    canary: int | None,
    waves: str | None,
    bake: str | None,
    max_failures: int | None,
    drain: Drain,
    deploy: Path | None,
    resume: bool,
    state: Path | None,
    json_path: str | None,
    yes: bool,
    quiet: bool,
) -> None:
    """Change a fleet in waves: staged and checked on every host of a wave, switched, then gated by behaviour.

    A gate that stays closed puts the generation before back on that wave and stops. Run again with --resume.

    \b
    Example:
      ironpost rollout inventories/prod.py
      ironpost rollout inventories/prod.py --canary 1 --waves 10%,50%,100% --bake 30s
    """
    fleet = read_inventory(inventory)
    said = fleet.waves
    hosts = chosen(fleet.mailhosts, limit)
    order = waves_of(hosts, canary or said.canary, waves.split(",") if waves else said.sizes)
    options = Options(
        bake=seconds(bake) if bake else said.bake_seconds,
        max_failures=said.max_failures if max_failures is None else max_failures,
        drain=drain,
    )
    quiet = quiet or json_path == "-"
    if refused := show_plan(hosts, order, quiet):
        raise InventoryError("\n".join(refused))
    if not (yes or click.confirm("Change them, wave by wave?", err=True)):
        raise click.exceptions.Abort
    record = record_of(fleet, resume, state)
    deploy = deploy or data_dir("deploys") / "mail.py"
    with json_lines(json_path) as write:
        done = Rollout(fleet, deploy, record, options, heard(write, quiet, json_path == "-")).run(order)
    sys.exit(Exit.DONE if done else Exit.FOUND)


def seconds(text: str) -> float:
    units = {"s": 1, "m": 60, "h": 3600}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    if not number.isdigit():
        raise click.BadParameter(f"{text!r} is no time; write 30s, 10m or 1h", param_hint="--bake")
    return int(number) * units[unit]


def record_of(fleet: Fleet, resume: bool, state: Path | None) -> Record:
    directory = state_directory(state)
    return read_record(fleet.source, directory) if resume else new_record(fleet.source, directory)


def show_plan(hosts: Sequence[MailHost], order: Sequence[Wave], quiet: bool) -> list[str]:
    """What would change and in which waves. Returns why hosts refuse, before anything is touched."""
    with ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        plans = list(pool.map(planned, hosts))
    for plan in plans if not quiet else ():
        for line in plan_lines(plan):
            click.echo(line)
    for number, wave in enumerate(order, 1) if not quiet else ():
        click.echo(f"wave {number}: {', '.join(mailhost.name for mailhost in wave)}")
    return [line for plan in plans for line in (*plan.refused, *filter(None, [plan.unread]))]


@contextlib.contextmanager
def json_lines(path: str | None) -> Iterator[Callable[[Event], None]]:
    """Writes events as lines of JSON to a file or standard output, at once; to nowhere without a path."""
    with contextlib.ExitStack() as stack:
        file = sys.stdout if path == "-" else stack.enter_context(Path(path).open("w")) if path else None

        def write(event: Event) -> None:
            if file:
                file.write(json.dumps({"schema": SCHEMA} | event) + "\n")
                file.flush()

        yield write


def heard(write: Callable[[Event], None], quiet: bool, aside: bool) -> Callable[[Event], None]:
    """Hands each event to programs and to people; people read on standard error when programs have the output."""
    console = Console(highlight=False, soft_wrap=True, stderr=aside)

    def both(event: Event) -> None:
        write(event)
        line = line_of(event)
        if line is not None and (not quiet or event["event"] in ("host failed", "gate", "not undone")):
            console.print(line)

    return both
