"""`ironpost verify`: the controls, with evidence from inside each host and as a stranger from outside."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from ironpost import __version__
from ironpost.cli import Exit
from ironpost.cli.waived import refuse_unknown_controls
from ironpost.compliance import internetnl
from ironpost.compliance.kept import Seen, read_evidence, write_evidence
from ironpost.compliance.proof import Wanted
from ironpost.compliance.run import look, now, proof_of
from ironpost.controls import CONTROLS
from ironpost.controls.control import Control
from ironpost.errors import InventoryError
from ironpost.fleet import Fleet
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.report.document import Document, document
from ironpost.report.html import html
from ironpost.report.junit import junit
from ironpost.report.markdown import markdown
from ironpost.report.sarif import sarif
from ironpost.report.text import text_lines

TOOL = {"name": "ironpost", "version": __version__}
# Option → what is written to its file.
FORMATS: dict[str, Callable[[Document], str]] = {
    "html": html,
    "junit": junit,
    "sarif": lambda found: json.dumps(sarif(found), indent=1) + "\n",
    "markdown": markdown,
    "json": lambda found: json.dumps(found, indent=1) + "\n",
}
INTERNET_NL = "internet.nl"
A_FILE = click.Path(dir_okay=False, path_type=Path)


@dataclasses.dataclass(frozen=True)
class Run:
    """Evidence with the time from which it is, and what is asked of it."""

    started: str
    wanted: Wanted
    seen: Seen
    seconds: float


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--limit", multiple=True, metavar="NAME", help="Only this mail host; repeatable.")
@click.option("--control", "ids", multiple=True, metavar="ID", help="Only this control; repeatable.")
@click.option(
    "--profile",
    type=click.Choice(["baseline", "strict", INTERNET_NL]),
    help="How much is asked; strict asks all that baseline asks, and more; internet.nl scores as its mail test does.  "
    "[default: baseline]",
)
@click.option("--deep", is_flag=True, help="Also what takes minutes: every port.")
@click.option("--disruptive", is_flag=True, help="Also what hurts: bans, floods; on hosts of the test network only.")
@click.option("--evidence", type=A_FILE, metavar="PATH", help="Also keep the evidence.")
@click.option(
    "--from",
    "replayed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PATH",
    help="Judge this evidence anew; connects to nothing.",
)
@click.option("--html", metavar="PATH", help="Also write one page for a browser.")
@click.option("--junit", metavar="PATH", help="Also write JUnit XML.")
@click.option("--sarif", metavar="PATH", help="Also write SARIF 2.1.0.")
@click.option("--markdown", metavar="PATH", help="Also write Markdown.")
@click.option("--json", "json", metavar="PATH|-", help="Also write the verdicts as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but findings.")
def verify(inventory: Path, limit: tuple[str, ...], ids: tuple[str, ...], quiet: bool, **said: Any) -> None:
    """Prove the mail hosts against the controls; exits 1 with a finding, 4 when something could not be verified.

    \b
    Example:
      ironpost verify inventories/prod.py
      ironpost verify inventories/prod.py --profile strict --html report.html
      ironpost verify inventories/prod.py --evidence monday.json
      ironpost verify inventories/prod.py --from monday.json --control TLS-02
    """
    fleet = read_inventory(inventory)
    refuse_unknown_controls(fleet)
    hosts = chosen_hosts(fleet, limit)
    chosen_controls(ids, Wanted())  # a name that does not exist is told before anything is connected to
    silent = quiet or said["json"] == "-"
    scored = said["profile"] == INTERNET_NL
    if scored:
        said["profile"] = "baseline"
    run = replay(fleet, hosts, said) if said["replayed"] else visit(fleet, hosts, said, silent)
    if said["evidence"]:
        write_evidence(said["evidence"], TOOL, run.started, run.wanted, run.seen)
    controls = chosen_controls(ids, run.wanted)
    if scored:
        controls = tuple(control for control in controls if internetnl.stands_for(control))
    proof = proof_of(run.seen, controls, run.wanted, run.started, run.seconds)
    found = document(proof, TOOL, str(inventory))
    write_files(found, said)
    if said["json"] != "-":
        show(found, quiet)
        for line in internetnl.lines(proof.judged) if scored else ():
            click.echo(line)
    sys.exit(status(found))


def visit(fleet: Fleet, hosts: tuple[MailHost, ...], said: dict[str, Any], silent: bool) -> Run:
    wanted = Wanted(said["profile"] or "baseline", said["deep"], said["disruptive"])
    started, begun = now(), time.monotonic()
    seen = look(fleet, hosts, (lambda _: None) if silent else click.echo, wanted)
    return Run(started, wanted, seen, time.monotonic() - begun)


def replay(fleet: Fleet, hosts: tuple[MailHost, ...], said: dict[str, Any]) -> Run:
    """What was not collected then stays so; only the profile may be another one."""
    started, wanted, seen = read_evidence(said["replayed"], fleet, hosts)
    return Run(started, dataclasses.replace(wanted, profile=said["profile"] or wanted.profile), seen, 0.0)


def chosen_hosts(fleet: Fleet, limit: tuple[str, ...]) -> tuple[MailHost, ...]:
    known = [mailhost.name for mailhost in fleet.mailhosts]
    for name in limit:
        if name not in known:
            raise InventoryError(f"--limit {name}: no such mail host; there are {', '.join(known)}")
    return tuple(mailhost for mailhost in fleet.mailhosts if not limit or mailhost.name in limit)


def chosen_controls(ids: tuple[str, ...], wanted: Wanted) -> tuple[Control, ...]:
    """All that are wanted, or those that are named, which then need not be asked for otherwise."""
    known = [control.id for control in CONTROLS]
    for name in ids:
        if name.upper() not in known:
            raise InventoryError(f"--control {name}: no such control; there are {', '.join(known)}")
    named = {name.upper() for name in ids}
    return tuple(control for control in CONTROLS if (control.id in named if named else wanted.includes(control)))


def write_files(found: Document, said: dict[str, Any]) -> None:
    for name, written in FORMATS.items():
        path = said[name]
        if path == "-":
            click.echo(written(found), nl=False)
        elif path:
            Path(path).write_text(written(found), encoding="utf-8")


def show(found: Document, quiet: bool) -> None:
    if quiet and not found["totals"]["broken"] and not found["totals"]["unknown"]:
        return
    console = Console(highlight=False, soft_wrap=True)
    for line in text_lines(found, only_findings=quiet):
        console.print(line)


def status(found: Document) -> Exit:
    if found["totals"]["broken"]:
        return Exit.FOUND
    return Exit.UNVERIFIED if found["totals"]["unknown"] or not found["results"] else Exit.DONE
