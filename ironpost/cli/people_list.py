"""`ironpost user list`: the accounts of an inventory, and the clients that the hosts' journals know of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from ironpost import __version__
from ironpost.accounts import Account
from ironpost.cli.people import INVENTORY
from ironpost.cli.verify import chosen_hosts
from ironpost.clients import JOURNAL, Client, clients
from ironpost.errors import HostError
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.remote import run_on

SCHEMA = 1
JOURNAL_SECONDS = 120


@click.command("list")
@INVENTORY
@click.option("--limit", multiple=True, metavar="NAME", help="Only this mail host; repeatable.")
@click.option("--clients", "with_clients", is_flag=True, help="Ask the hosts who logged in from where, and with what.")
@click.option("--json", "json_path", metavar="PATH|-", help="Also write the list as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
def list_accounts(
    inventory: Path, limit: tuple[str, ...], with_clients: bool, json_path: str | None, quiet: bool
) -> None:
    """List the accounts; with --clients, each program that logged in, with which password, and when last.

    \b
    Example:
      ironpost user list inventories/prod.py
      ironpost user list inventories/prod.py --clients
    """
    hosts = chosen_hosts(read_inventory(inventory), limit)
    accounts = {account.address: account for host in hosts for account in host.accounts}
    seen = [client for host in hosts for client in seen_on(host)] if with_clients else []
    if json_path:
        write(json_path, [as_json(account, seen) for account in accounts.values()])
    if quiet or json_path == "-":
        return
    for account in accounts.values():
        click.echo(described(account))
        for client in of_account(account.address, seen):
            click.echo("  " + client.told())


def described(account: Account) -> str:
    """One line: address, then what is out of the ordinary."""
    facts = [f"also {', '.join(account.aliases)}"] if account.aliases else []
    kept = "a copy of everything" if account.keep_copy else "everything but spam"
    facts += [f"{kept} to {', '.join(account.forward)}"] if account.forward else []
    facts += ["disabled"] * account.disabled + ["second factor required"] * account.second_factor
    names = ", ".join(password.name for password in account.app_passwords)
    facts += [f"app passwords {names}"] if names else []
    facts += [f"quota {account.quota_bytes} bytes"] if account.quota_bytes else []
    return account.address + "".join(f"; {fact}" for fact in facts)


def of_account(address: str, seen: Iterable[Client]) -> list[Client]:
    return [client for client in seen if client.account == address]


def seen_on(mailhost: MailHost) -> list[Client]:
    """Who logged in, as far back as the journal of the host reaches."""
    done = run_on(mailhost, JOURNAL, seconds=JOURNAL_SECONDS)
    if done.returncode and done.stderr.strip():  # journalctl(1) exits 1 as well when nothing matches -g
        raise HostError(f"{mailhost.name}: its journal cannot be read ({done.stderr.strip()}); look at journalctl")
    return clients(mailhost.name, done.stdout)


def used_main_password(hosts: Iterable[MailHost], address: str) -> list[str]:
    """Lines about the clients that used the main password of an account on the mail ports."""
    found = [client for host in hosts for client in seen_on(host) if client.account == address and client.is_main]
    head = f"{address}: clients seen with the main password, as far back as the journals reach"
    return [f"{head}:", *(f"  {client.told()}" for client in found)] if found else [f"{head}: none"]


def as_json(account: Account, seen: list[Client]) -> dict[str, Any]:
    return {
        "address": account.address,
        "aliases": list(account.aliases),
        "disabled": account.disabled,
        "second_factor": account.second_factor,
        "app_passwords": [each.name for each in account.app_passwords],
        "quota_bytes": account.quota_bytes,
        "clients": [client.as_json() for client in of_account(account.address, seen)],
    }


def write(path: str, results: list[dict[str, Any]]) -> None:
    shown = {"schema": SCHEMA, "tool": {"name": "ironpost", "version": __version__}, "results": results}
    text = json.dumps(shown, indent=2) + "\n"
    if path == "-":
        click.echo(text, nl=False)
    else:
        Path(path).write_text(text)
