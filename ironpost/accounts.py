"""Who has a mailbox: `inventories/users/<domain>.toml`, with Argon2id hashes only."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ironpost.app_passwords import AppPassword, read_app_passwords
from ironpost.forwards import forward_mistakes, read_forward
from ironpost.settings import fingerprint, list_mistakes, local_part, mail_address, network, shown

# The PHC string format; 19 MiB and two passes are the least that OWASP and AUTH-03 accept for argon2id.
ARGON2ID = re.compile(
    r"\$argon2id\$v=19\$m=(\d{4,7}),t=(\d{1,2}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,64}\$[A-Za-z0-9+/]{22,86}"
)
LEAST_MEMORY_KIB = 19456
KEYS = {"password", "aliases", "disabled", "quota_bytes", "networks", "second_factor", "app_passwords", "certificates"}
KEYS |= {"host", "forward", "keep_copy"}


@dataclass(frozen=True, repr=False)
class Account:
    """One mailbox. `aliases` are further addresses of hosted domains that it receives and may send as.

    `networks` are where its owner may log in from; none means from anywhere that the service is open to.
    """

    name: str
    domain: str
    password: str
    aliases: tuple[str, ...] = ()
    disabled: bool = False
    quota_bytes: int | None = None
    networks: tuple[str, ...] = ()
    second_factor: bool = False  # the password alone opens no mail port
    app_passwords: tuple[AppPassword, ...] = ()
    certificates: tuple[str, ...] = ()  # SHA-256 fingerprints of client certificates of its owner
    host: str | None = None  # the mail host that has the mailbox, where several have mailboxes of the domain
    forward: tuple[str, ...] = ()  # addresses elsewhere that get what it receives, as the domain's forward_to allows
    keep_copy: bool = True  # what is forwarded stays here too

    def __repr__(self) -> str:
        return f"Account({self.address})"

    @property
    def address(self) -> str:
        return f"{self.name}@{self.domain}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses that reach this mailbox and that it may use as envelope sender, its own one first."""
        return (self.address, *self.aliases)


def read_accounts(path: Path, domain: str) -> tuple[tuple[Account, ...], tuple[str, ...]]:
    """The accounts in a users file, and all mistakes found in it. Shape: `[name]`, `password = "$argon2id$…"`."""
    try:
        tables = tomllib.loads(path.read_text())
    except OSError as error:
        return (), (f"{path.name}: {error.strerror}; create it, or correct `users` of {domain}",)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return (), (f"{path.name}: is not TOML ({error}); correct it",)
    accounts: list[Account] = []
    mistakes: list[str] = []
    for name, table in tables.items():
        found = account_mistakes(name, table)
        mistakes += [f"{path.name}: {mistake}" for mistake in found]
        if not found:
            accounts.append(account(name, domain, table))
    return tuple(accounts), tuple(mistakes + repeated_addresses(path, accounts))


def account(name: str, domain: str, table: dict[str, Any]) -> Account:
    aliases = tuple(alias if "@" in alias else f"{alias}@{domain}" for alias in table.get("aliases", []))
    return Account(
        name,
        domain,
        table["password"],
        aliases,
        disabled=table.get("disabled", False),
        quota_bytes=table.get("quota_bytes"),
        networks=tuple(table.get("networks", [])),
        second_factor=table.get("second_factor") == "required",
        app_passwords=read_app_passwords(name, table.get("app_passwords", []))[0],
        certificates=tuple(fingerprint(each) for each in table.get("certificates", [])),
        host=table.get("host"),
        forward=read_forward(table),
        keep_copy=table.get("keep_copy", True),
    )


def account_mistakes(name: str, table: Any) -> list[str]:
    """What is wrong with one account, without ever quoting a password or hash."""
    if not isinstance(table, dict):
        return [f"{shown(name)}: stands outside of a [table]; write [name] above the settings of an account"]
    mistakes = [
        f"{name}: there is no such setting as {shown(key)}; look for a misspelling" for key in set(table) - KEYS
    ]
    mistakes += address_mistakes(name, table.get("aliases", []))
    mistakes += password_mistakes(name, table.get("password"))
    if not isinstance(table.get("disabled", False), bool):
        mistakes.append(f"{name}: disabled is neither true nor false; write one of them")
    mistakes += [f"{name}: {mistake}" for mistake in networks_mistakes(table.get("networks", []))]
    mistakes += word_mistakes(name, table)
    mistakes += certificate_mistakes(name, table.get("certificates", []))
    mistakes += read_app_passwords(name, table.get("app_passwords", []))[1]
    mistakes += [f"{name}: {mistake}" for mistake in forward_mistakes(table)]
    if not isinstance(table.get("host", ""), str):
        mistakes.append(f"{name}: host is not a name; write the name of a mail host")
    quota = table.get("quota_bytes")
    if quota is not None and (not isinstance(quota, int) or isinstance(quota, bool) or quota < 1_000_000):
        mistakes.append(f"{name}: quota_bytes is {shown(quota)}; write bytes, at least 1000000")
    return mistakes


def address_mistakes(name: str, aliases: Any) -> list[str]:
    if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
        return [f'{name}: aliases is not a list of names; write aliases = ["info", "sales"]']
    mistakes = []
    for text in (name, *aliases):
        try:
            (mail_address if "@" in text and text is not name else local_part)(text)
        except ValueError as error:
            mistakes.append(f"{shown(name)}: {error}")
    if "+" in name:
        # Dovecot would hand its mail to the mailbox before the +, which is somebody else's (RFC 5233).
        mistakes.append(f"{shown(name)}: what follows a + is a sub-address of {name.partition('+')[0]}; leave it out")
    if name in aliases:
        mistakes.append(f"{name}: the alias {name} is its own name; remove it")
    return mistakes


def networks_mistakes(networks: Any) -> list[str]:
    if not isinstance(networks, list) or not all(isinstance(net, str) for net in networks):
        return ['networks is not a list of networks; write networks = ["192.0.2.0/24", "2001:db8::/48"]']
    try:
        return list_mistakes("networks", tuple(str(network(net)) for net in networks), tuple(networks))
    except ValueError as error:
        return [f"networks: {error}"]


def word_mistakes(name: str, table: dict[str, Any]) -> list[str]:
    """The setting that is one word or not there."""
    word = table.get("second_factor", "required")
    return [f"{name}: second_factor is {shown(word)}; write 'required', or leave it out"] * (word != "required")


def certificate_mistakes(name: str, certificates: Any) -> list[str]:
    if not isinstance(certificates, list) or not all(isinstance(each, str) for each in certificates):
        return [f'{name}: certificates is not a list of fingerprints; write certificates = ["AB:CD:…"]']
    mistakes = []
    for each in certificates:
        try:
            fingerprint(each)
        except ValueError as error:
            mistakes.append(f"{name}: certificates: {error}")
    return mistakes


def password_mistakes(name: str, password: Any) -> list[str]:
    matched = ARGON2ID.fullmatch(password) if isinstance(password, str) else None
    if not matched:
        return [f"{name}: password is not an Argon2id hash ($argon2id$v=19$…); make one with `ironpost user passwd`"]
    if int(matched[1]) < LEAST_MEMORY_KIB or int(matched[2]) < 2:
        return [
            f"{name}: the Argon2id hash uses {matched[1]} KiB and {matched[2]} passes; least: {LEAST_MEMORY_KIB}, 2"
        ]
    return []


def repeated_addresses(path: Path, accounts: list[Account]) -> list[str]:
    """Addresses that lead to two mailboxes."""
    seen: dict[str, str] = {}
    mistakes = []
    for owner in accounts:
        for address in owner.addresses:
            if seen.setdefault(address, owner.address) != owner.address:
                mistakes.append(f"{path.name}: {address} belongs to {seen[address]} and {owner.address}; keep one")
    return mistakes
