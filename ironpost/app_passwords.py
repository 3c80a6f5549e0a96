"""App passwords: generated, each for some services, networks and days, so that a lost telephone costs one of them."""

from __future__ import annotations

import base64
import binascii
import datetime
import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from ironpost.settings import shown

SERVICES = ("smtp", "imap", "pop3", "sieve")
KEYS = {"name", "services", "hash", "networks", "until"}
NAME = re.compile(r"[a-z0-9](?:[a-z0-9 ._-]{0,38}[a-z0-9])?")
HASH_BYTES = 64 + 16  # SHA-512 and its salt


@dataclass(frozen=True, repr=False)
class AppPassword:
    """One generated password of an account. No `networks` means from anywhere; `until` is its last day, in UTC."""

    name: str
    services: tuple[str, ...]
    hash: str
    networks: tuple[str, ...] = ()
    until: datetime.date | None = None

    def __repr__(self) -> str:
        return f"AppPassword({self.name})"


def read_app_passwords(account: str, rows: Any) -> tuple[tuple[AppPassword, ...], list[str]]:
    """The rows `[[account.app_passwords]]`, and what is wrong with them, never quoting a hash."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return (), [f"{account}: app_passwords is not a list of tables; write [[{account}.app_passwords]]"]
    found: list[AppPassword] = []
    mistakes: list[str] = []
    for number, row in enumerate(rows, 1):
        where = f"{account}: app password {shown(row.get('name', number))}"
        wrong = [f"{where}: {mistake}" for mistake in row_mistakes(row)]
        mistakes += wrong
        if not wrong:
            found.append(app_password(row))
    names = [each.name for each in found]
    mistakes += [
        f"{account}: two app passwords are called {name!r}; rename one"
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    return tuple(found), mistakes


def app_password(row: dict[str, Any]) -> AppPassword:
    networks = tuple(str(ipaddress.ip_network(network)) for network in row.get("networks", []))
    return AppPassword(row["name"], tuple(row["services"]), row["hash"], networks, row.get("until"))


def row_mistakes(row: dict[str, Any]) -> list[str]:
    mistakes = [f"there is no such setting as {shown(key)}; look for a misspelling" for key in sorted(set(row) - KEYS)]
    if not isinstance(row.get("name"), str) or not NAME.fullmatch(row["name"]):
        mistakes.append("name is missing or odd; use a-z, 0-9, and space . _ - inside, at most 40")
    services = row.get("services")
    if not isinstance(services, list) or not services or not set(map(str, services)) <= set(SERVICES):
        mistakes.append(f"services is {shown(services)}; name one or more of {', '.join(SERVICES)}")
    if not is_hash(row.get("hash")):
        mistakes.append("hash is not one of ours; make the row with `ironpost user app-password add`")
    until = row.get("until")
    if until is not None and (not isinstance(until, datetime.date) or isinstance(until, datetime.datetime)):
        mistakes.append(f"until is {shown(until)}; write a day like 2027-01-31, without quotes")
    return mistakes + network_mistakes(row.get("networks", []))


def is_hash(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(base64.b64decode(value, validate=True)) == HASH_BYTES
    except binascii.Error:
        return False


def network_mistakes(networks: Any) -> list[str]:
    if not isinstance(networks, list) or not all(isinstance(network, str) for network in networks):
        return ['networks is not a list; write networks = ["192.0.2.0/24", "2001:db8::/32"]']
    mistakes = []
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            mistakes.append(f"networks: {error}; write 192.0.2.0/24, 2001:db8::/32 or one address")
    return mistakes
