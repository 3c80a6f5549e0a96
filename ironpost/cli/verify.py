"""`ironpost verify`: the controls, with evidence from inside each host and as a stranger from outside."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from ironpost import __version__
from ironpost.cli import Exit
from ironpost.compliance.proof import Proof, Wanted
from ironpost.compliance.run import verify as run_controls
from ironpost.controls import CONTROLS
from ironpost.controls.control import Control, Level
from ironpost.errors import InventoryError
from ironpost.fleet import Fleet
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.report.verdicts import results_json, text_lines

SCHEMA = 1


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--limit", multiple=True, metavar="NAME", help="Only this mail host; repeatable.")
@click.option("--control", "ids", multiple=True, metavar="ID", help="Only this control; repeatable.")
@click.option(
    "--profile",
    type=click.Choice(["baseline", "strict"]),
    default="baseline",
    show_default=True,
    help="How much is asked; strict asks all that baseline asks.",
)
@click.option("--deep", is_flag=True, help="Also what takes minutes: every port.")
@click.option("--disruptive", is_flag=True, help="Also what hurts: bans, floods; on hosts of the test network only.")
@click.option("--json", "json_path", metavar="PATH|-", help="Also write the verdicts as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but findings.")
def verify(
    inventory: Path,
    limit: tuple[str, ...],
    ids: tuple[str, ...],
    profile: Level,
    deep: bool,
    disruptive: bool,
    json_path: str | None,
    quiet: bool,
) -> None:
    """Prove the mail hosts against the controls; exits 1 with a finding, 4 when something could not be verified.

    \b
    Example:
      ironpost verify inventories/prod.py
      ironpost verify inventories/prod.py --control TLS-02 --json -
    """
    fleet = read_inventory(inventory)
    refuse_unknown(fleet)
    wanted = Wanted(profile, deep, disruptive)
    hosts, controls = chosen_hosts(fleet, limit), chosen_controls(ids, wanted)
    console = Console(highlight=False, soft_wrap=True)
    silent = quiet or json_path == "-"
    proof = run_controls(fleet, hosts, controls, (lambda _: None) if silent else click.echo, wanted)
    write_json(json_path, proof)
    if json_path != "-":
        show(console, proof, quiet)
    sys.exit(status(proof))


def chosen_hosts(fleet: Fleet, limit: tuple[str, ...]) -> tuple[MailHost, ...]:
    known = [mailhost.name for mailhost in fleet.mailhosts]
    for name in limit:
        if name not in known:
            raise InventoryError(f"--limit {name}: no such mail host; there are {', '.join(known)}")
    return tuple(mailhost for mailhost in fleet.mailhosts if not limit or mailhost.name in limit)


def refuse_unknown(fleet: Fleet) -> None:
    """A waiver of a control that does not exist waives nothing, and its owner believes that it does."""
    known = {control.id for control in CONTROLS}
    mistakes = [
        f"{waiver.where}: Waiver: control: there is no {waiver.control}; docs/controls.md lists them"
        for waiver in fleet.waivers
        if waiver.control not in known
    ]
    if mistakes:
        raise InventoryError("\n".join(mistakes))


def chosen_controls(ids: tuple[str, ...], wanted: Wanted) -> tuple[Control, ...]:
    """All that are wanted, or those that are named, which then need not be asked for otherwise."""
    known = [control.id for control in CONTROLS]
    for name in ids:
        if name.upper() not in known:
            raise InventoryError(f"--control {name}: no such control; there are {', '.join(known)}")
    named = {name.upper() for name in ids}
    return tuple(control for control in CONTROLS if (control.id in named if named else wanted.includes(control)))


def show(console: Console, proof: Proof, quiet: bool) -> None:
    if quiet:
        proof = Proof(proof.started, (*proof.of("broken"), *proof.of("unknown")))
        if not proof.judged:
            return
    for line in text_lines(proof):
        console.print(line)


def write_json(path: str | None, proof: Proof) -> None:
    if path is None:
        return
    tool = {"name": "ironpost", "version": __version__}
    shown = {"schema": SCHEMA, "tool": tool, "started": proof.started, "results": results_json(proof)}
    text = json.dumps(shown, indent=1) + "\n"
    if path == "-":
        click.echo(text, nl=False)
    else:
        Path(path).write_text(text)


def status(proof: Proof) -> Exit:
    if proof.of("broken"):
        return Exit.FOUND
    return Exit.UNVERIFIED if proof.of("unknown") or not proof.judged else Exit.DONE
