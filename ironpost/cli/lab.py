"""`ironpost lab`: the test network of real Debian hosts on this machine."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from ironpost import __version__
from ironpost.lab import Lab, boot
from ironpost.lab.image import Progress
from ironpost.lab.remote import as_root, greets
from ironpost.lab.state import SCHEMA

COLUMNS = ("name", "state", "release", "role", "fqdn", "ipv4", "ipv6")
NAME = click.option(
    "--name",
    default=lambda: os.environ.get("IRONPOST_LAB") or "demo",
    show_default="$IRONPOST_LAB, or demo",
    help="Which lab; each has addresses and state of its own.",
)
QUIET = click.option("--quiet", is_flag=True, help="Say nothing but errors.")


@click.group()
def lab() -> None:
    """The test network: real Debian 12 and 13 hosts on this machine, with DNS, and no way out.

    \b
    Example:
      ironpost lab up
      ironpost lab status
      ironpost lab shell mx1 -- systemctl status postfix
      ironpost lab down
    """


@lab.command()
@NAME
@click.option("--hosts", type=click.IntRange(0, boot.MOST_EXTRA_HOSTS), default=0, help="Bare hosts to add.")
@click.option("--fleet", is_flag=True, help="Eight mail hosts in place of two.")
@QUIET
def up(name: str, hosts: int, fleet: bool, quiet: bool) -> None:
    """Build what is missing and boot what is not running; a lab that is up is healed.

    \b
    Example:
      ironpost lab up --hosts 50
    """
    boot.up(name, hosts, progress=_progress(quiet), fleet=fleet)


@lab.command()
@NAME
@click.option("--json", "json_path", metavar="PATH|-", help="Also write the answer as JSON.")
@QUIET
def status(name: str, json_path: str | None, quiet: bool) -> None:
    """Show the hosts and whether they answer; exits 1 when one does not.

    \b
    Example:
      ironpost lab status --json -
    """
    running = Lab.named(name)
    rows = [_row(running, host.name) for host in running.hosts]
    if json_path:
        _write_json(json_path, rows)
    if not quiet and json_path != "-":
        _print_rows(rows)
    if any(row["state"] != "up" for row in rows):
        sys.exit(1)


@lab.command(context_settings={"ignore_unknown_options": True})
@NAME
@click.argument("host", metavar="NAME")
@click.argument("command", metavar="[-- CMD]", nargs=-1, type=click.UNPROCESSED)
def shell(name: str, host: str, command: tuple[str, ...]) -> None:
    """Log in to a host over SSH as its login user, or run one command there as root and exit with its status.

    \b
    Example:
      ironpost lab shell mx2
      ironpost lab shell mx1 -- journalctl -u postfix -n 20
    """
    lab = Lab.named(name)
    call, user = lab.ssh(host), lab.host(host).ssh_user
    # One word is a line for the shell there; several are the words of one command.
    line = command[0] if len(command) == 1 else shlex.join(command)
    sys.exit(subprocess.run([*call, as_root(user, line)] if command else call, check=False).returncode)


@lab.command()
@NAME
@QUIET
def down(name: str, quiet: bool) -> None:
    """End every host and leave nothing behind; the cached images stay for the next time.

    \b
    Example:
      ironpost lab down
    """
    boot.down(name, progress=_progress(quiet))


def _progress(quiet: bool) -> Progress:
    return (lambda _: None) if quiet else click.echo


def _row(running: Lab, name: str) -> dict[str, str]:
    host = running.host(name)
    state = "off"
    if running.alive(host):
        state = "up" if greets(host.ipv4) else "no SSH"
    return {"state": state, **{key: str(getattr(host, key)) for key in COLUMNS if key != "state"}}


def _print_rows(rows: list[dict[str, str]]) -> None:
    """A table for people, lines of tab-separated values for pipes."""
    if not sys.stdout.isatty():
        click.echo("\n".join("\t".join(row[key] for key in COLUMNS) for row in rows))
        return
    table = Table(*COLUMNS, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(row[key] for key in COLUMNS), style=None if row["state"] == "up" else "red")
    Console().print(table)


def _write_json(path: str, rows: list[dict[str, str]]) -> None:
    answer: dict[str, Any] = {"schema": SCHEMA, "tool": {"name": "ironpost", "version": __version__}, "results": rows}
    text = json.dumps(answer, indent=1) + "\n"
    if path == "-":
        click.echo(text, nl=False)
    else:
        Path(path).write_text(text)
