"""`ironpost check`: an inventory's mistakes, all at once, without a connection."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ironpost import __version__
from ironpost.certificate import certificate_mistakes, key_mistakes
from ironpost.cli.waived import refuse_unknown_controls
from ironpost.errors import InventoryError
from ironpost.fleet_roles import role_advice
from ironpost.inventory import read_inventory

SCHEMA = 1


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--quiet", is_flag=True, help="Print nothing when all is well.")
def check(inventory: Path, as_json: bool, quiet: bool) -> None:
    """Read INVENTORY and tell all mistakes in it, with file and line. Connects to nothing.

    Advice is told besides; it is no mistake, and the exit status is 0.

    \b
    Example:
      ironpost check inventories/prod.py
    """
    fleet = read_inventory(inventory)
    refuse_unknown_controls(fleet)
    mistakes = [
        f"{host.name} ({host.where}): {mistake}"
        for host in fleet.mailhosts
        for mistake in certificate_mistakes(host) or key_mistakes(host)
    ]
    if mistakes:
        lines = [f"{inventory.name}: these certificates cannot be used", *(f"  - {mistake}" for mistake in mistakes)]
        raise InventoryError("\n".join(lines))
    advice = [*role_advice(fleet.mailhosts)]
    if as_json:
        results = [mailhost.to_json() for mailhost in fleet.mailhosts]
        tool = {"name": "ironpost", "version": __version__}
        click.echo(json.dumps({"schema": SCHEMA, "tool": tool, "results": results, "advice": advice}, indent=2))
    elif not quiet:
        for mailhost in fleet.mailhosts:
            accounts = len(mailhost.accounts)
            click.echo(f"{mailhost.name}: {', '.join(mailhost.domain_names)}; {accounts} accounts; {mailhost.tls}")
        for each in advice:
            click.echo(f"advice: {each}")
        click.echo(f"{inventory.name}: {len(fleet.mailhosts)} mail hosts, no mistakes")
