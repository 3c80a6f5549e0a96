"""`ironpost user app-password`: a generated password for each device, service and network."""

from __future__ import annotations

import datetime
from pathlib import Path

import click
import tomlkit

from ironpost import passwords
from ironpost.app_passwords import SERVICES, read_app_passwords, row_mistakes
from ironpost.cli.people import INVENTORY, find, save
from ironpost.errors import UsersFileError


@click.group("app-password")
def app_password() -> None:
    """App passwords: generated, for named services, and revoked one by one.

    \b
    Example:
      ironpost user app-password add inventories/prod.py anna@example.org phone --service imap --service smtp
      ironpost user app-password list inventories/prod.py anna@example.org
      ironpost user app-password revoke inventories/prod.py anna@example.org phone
    """


@app_password.command()
@INVENTORY
@click.argument("address")
@click.argument("name")
@click.option("--service", "services", multiple=True, required=True, type=click.Choice(SERVICES), help="Repeatable.")
@click.option("--network", "networks", multiple=True, metavar="NETWORK", help="Only from there; repeatable.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Its last day, in UTC.")
def add(
    inventory: Path,
    address: str,
    name: str,
    services: tuple[str, ...],
    networks: tuple[str, ...],
    until: datetime.datetime | None,
) -> None:
    """Make an app password and print it; only its hash is kept.

    \b
    Example:
      ironpost user app-password add inventories/prod.py anna@example.org scanner \\
        --service smtp --network 192.0.2.0/28 --until 2027-06-30
    """
    place = find(inventory, address)
    made = passwords.generated_app_password()
    values: dict[str, object] = {
        "name": name,
        "services": list(dict.fromkeys(services)),
        "hash": passwords.app_hash(made),
    }
    values |= {"networks": list(networks)} if networks else {}
    values |= {"until": until.date()} if until else {}
    mistakes = row_mistakes(values)
    if until and until.date() < datetime.datetime.now(datetime.UTC).date():
        mistakes.append(f"its last day, {until:%Y-%m-%d}, is over; name a later one")
    if mistakes:
        raise UsersFileError("\n".join(f"{address}: app password {name!r}: {mistake}" for mistake in mistakes))
    row = tomlkit.table()
    row.update(values)
    place.file.rows(place.name, "app_passwords").append(row)
    save(place, f"has the app password {name!r}", made)


@app_password.command("list")
@INVENTORY
@click.argument("address")
def list_rows(inventory: Path, address: str) -> None:
    """The app passwords of an account: name, services, networks, last day.

    \b
    Example:
      ironpost user app-password list inventories/prod.py anna@example.org
    """
    place = find(inventory, address)
    rows, mistakes = read_app_passwords(place.name, place.table.unwrap().get("app_passwords", []))
    if mistakes:
        raise UsersFileError("\n".join(f"{place.file.path.name}: {mistake}" for mistake in mistakes))
    for row in rows:
        where = ", ".join(row.networks) or "anywhere"
        click.echo(f"{row.name}: {', '.join(row.services)}; from {where}; until {row.until or 'revoked'}")


@app_password.command()
@INVENTORY
@click.argument("address")
@click.argument("name")
def revoke(inventory: Path, address: str, name: str) -> None:
    """Take one app password away; the others go on working.

    \b
    Example:
      ironpost user app-password revoke inventories/prod.py anna@example.org phone
    """
    place = find(inventory, address)
    rows = place.file.rows(place.name, "app_passwords")
    names = [row.get("name") for row in rows]
    if name not in names:
        known = ", ".join(map(str, names)) or "none"
        raise UsersFileError(f"{address}: there is no app password {name!r}; there is {known}")
    del rows[names.index(name)]
    if not len(rows):
        place.file.remove(place.name, "app_passwords")
    save(place, f"has lost the app password {name!r}")
