"""`ironpost user`: the accounts in the users files. Changes files of this controller; a deploy puts them in force."""

from __future__ import annotations

from pathlib import Path

import click

from ironpost import passwords
from ironpost.cli.app_password import app_password
from ironpost.cli.people import INVENTORY, find, password_for, save, way_options
from ironpost.cli.people_list import list_accounts, used_main_password
from ironpost.errors import UsersFileError


@click.group()
def user() -> None:
    """Add, change, disable and list accounts, and their app passwords.

    \b
    Example:
      ironpost user add inventories/prod.py anna@example.org --alias info
      ironpost user passwd inventories/prod.py anna@example.org
      ironpost user app-password add inventories/prod.py anna@example.org phone --service imap --service smtp
      ironpost user list inventories/prod.py
    """


user.add_command(list_accounts)
user.add_command(app_password)


@user.command()
@INVENTORY
@click.argument("address")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="A further address; repeatable.")
@click.option("--quota", type=click.IntRange(min=1_000_000), metavar="BYTES", help="A mailbox size of its own.")
@way_options
def add(inventory: Path, address: str, aliases: tuple[str, ...], quota: int | None, way: str | None) -> None:
    """Add an account. The password is asked for twice, or comes from --stdin or --generate.

    \b
    Example:
      ironpost user add inventories/prod.py anna@example.org --alias info --generate
    """
    place = find(inventory, address, new=True)
    if place.name in place.file.document:
        raise UsersFileError(f"{place.file.path.name}: the account {place.name} is there; use `ironpost user passwd`")
    password = password_for(address, way)
    values: dict[str, object] = {"password": passwords.hashed(password)}
    if aliases:
        values["aliases"] = list(aliases)
    if quota:
        values["quota_bytes"] = quota
    place.file.add(place.name, values)
    save(place, "added", password if way == "generate" else None)


@user.command()
@INVENTORY
@click.argument("address")
@way_options
def passwd(inventory: Path, address: str, way: str | None) -> None:
    """Change the password of an account.

    \b
    Example:
      ironpost user passwd inventories/prod.py anna@example.org
    """
    place = find(inventory, address)
    second = place.table.get("second_factor") == "required"
    password = password_for(address, way, second)
    place.table["password"] = passwords.hashed(password)
    save(place, "has a new password", password if way == "generate" else None)


@user.command()
@INVENTORY
@click.argument("address")
def disable(inventory: Path, address: str) -> None:
    """Let nobody log in to an account any more; it keeps receiving.

    \b
    Example:
      ironpost user disable inventories/prod.py anna@example.org
    """
    place = find(inventory, address)
    place.table["disabled"] = True
    save(place, "is disabled, and keeps receiving")


@user.command()
@INVENTORY
@click.argument("address")
def enable(inventory: Path, address: str) -> None:
    """Take `disable` back.

    \b
    Example:
      ironpost user enable inventories/prod.py anna@example.org
    """
    place = find(inventory, address)
    place.table.pop("disabled", None)
    save(place, "may log in again")


@user.command("second-factor")
@INVENTORY
@click.argument("address")
@click.option("--release", is_flag=True, help="Let the main password open the mail ports again.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
def second_factor(inventory: Path, address: str, release: bool, yes: bool) -> None:
    """Refuse the main password on the mail ports, after a list of the clients that use it today.

    What still opens them is an app password, or the main password beside a client certificate.

    \b
    Example:
      ironpost user second-factor inventories/prod.py anna@example.org
    """
    place = find(inventory, address)
    if release:
        place.table.pop("second_factor", None)
        save(place, "needs no second factor")
        return
    for line in used_main_password(place.hosts, address):
        click.echo(line)
    if not yes and not click.confirm("These will be refused. Require the second factor?"):
        raise click.Abort
    place.table["second_factor"] = "required"
    save(place, "needs a second factor")


@user.command("hash")
@click.option("--for", "address", metavar="ADDRESS", default="", help="Refuse the names in this address.")
@way_options
def hash_password(address: str, way: str | None) -> None:
    """Print the Argon2id hash of a password, for `password = "…"` in a users file that is written by hand.

    \b
    Example:
      ironpost user hash --for anna@example.org
    """
    password = password_for(address, way)
    if way == "generate":
        click.echo(password)
    click.echo(passwords.hashed(password))
