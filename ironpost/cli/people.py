"""What the commands about accounts share: where an account stands, how a password comes in, how a file is saved."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from tomlkit.items import Table

from ironpost import passwords
from ironpost.accounts import read_accounts
from ironpost.errors import InventoryError, UsersFileError
from ironpost.fleet import without_accounts
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.settings import mail_address
from ironpost.usersfile import UsersFile

INVENTORY = click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))


Command = TypeVar("Command", bound=Callable[..., Any])


def way_options(command: Command) -> Command:
    """The parameter `way`: how a password comes in; None means that it is asked for."""
    for name, text in (("stdin", "Read the password from standard input."), ("generate", "Make one, and print it.")):
        command = click.option(f"--{name}", "way", flag_value=name, default=None, help=text)(command)
    return command


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an account stands: its users file, its name in it, and the mail hosts that serve it."""

    file: UsersFile
    name: str
    domain: str
    hosts: tuple[MailHost, ...]

    @property
    def table(self) -> Table:
        return self.file.table(self.name)

    @property
    def address(self) -> str:
        return f"{self.name}@{self.domain}"


def find(inventory: Path, address: str, new: bool = False) -> Place:
    """The users file of that address. Raises InventoryError or UsersFileError with what there is instead."""
    try:
        name, _, domain = mail_address(address).partition("@")
    except ValueError as error:
        raise InventoryError(str(error)) from None
    with without_accounts():
        hosts = read_inventory(inventory).mailhosts
    serving = tuple(host for host in hosts if domain in host.domain_names)
    if not serving:
        known = ", ".join(dict.fromkeys(name for host in hosts for name in host.domain_names))
        raise InventoryError(f"{inventory.name}: no mail host serves {domain}; there are {known}")
    files = {host.name: host.domain(domain).users_file for host in serving}
    if None in files.values():
        raise InventoryError(
            f"{inventory.name}: {domain} has no users file, its accounts are elsewhere; change them there"
        )
    paths = {host.file(files[host.name] or "").resolve() for host in serving}
    if len(paths) > 1:
        raise InventoryError(f"{inventory.name}: {domain} has {len(paths)} users files; name one in all hosts")
    [path] = paths
    if new and not path.exists():
        path.touch(mode=0o600)
    place = Place(UsersFile(path), name, domain, serving)
    if not new:
        place.file.table(name)
    return place


def password_for(address: str, way: str | None, second: bool = False) -> str:
    """A password in its prepared form. Raises UsersFileError with every reason to refuse it."""
    if way == "generate":
        return passwords.generated()
    given = sys.stdin.read().removesuffix("\n") if way == "stdin" else asked()
    password = passwords.prepared(given)
    least = passwords.LEAST_WITH_SECOND if second else passwords.LEAST_ALONE
    found = passwords.faults(password, passwords.related_words(address) if address else (), least)
    if found:
        raise UsersFileError("\n".join(f"{address or 'password'}: {fault}" for fault in found))
    return password


def asked() -> str:
    """Typed twice, without echo; on standard error, so that standard output stays clean."""
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return answer


def save(place: Place, done: str, made: str | None = None) -> None:
    """Writes the users file if it is still one that an inventory accepts, and says so on standard error.

    `made` is a password that nobody else has: printed when it counts, never when it was refused.
    """
    place.file.save(lambda path: read_accounts(path, place.domain)[1])
    if made:
        click.echo(made)
    click.echo(f"{place.address} {done} in {place.file.path.name}; deploy to put it in force", err=True)
