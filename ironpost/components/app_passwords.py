"""The table of app passwords that Dovecot's Lua program reads: one row for each password and service."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ironpost.accounts import Account
from ironpost.mailhost import MailHost
from ironpost.mailhost.access import common

HEADER = "# Written by ironpost. Address, service, networks, last day, name, hash; between them tabs.\n"
# What Postfix calls the service on the listener that demands a client certificate (postconf(5) smtpd_sasl_service).
WITH_CERTIFICATE = "smtp-certificate"
ANY, NOWHERE = "*", "0.0.0.0/32"


def app_passwords_file(mailhost: MailHost) -> str:
    """The rows of all accounts that may log in."""
    open_accounts = (account for account in mailhost.login_accounts if not account.disabled)
    return HEADER + "".join("\t".join(row) + "\n" for account in open_accounts for row in rows(mailhost, account))


def rows(mailhost: MailHost, account: Account) -> Iterator[tuple[str, ...]]:
    if mailhost.passwords_of(account) == "none":
        return
    for password in account.app_passwords:
        last = password.until.isoformat() if password.until else ANY
        for service in password.services:
            if service != "smtp" and account not in mailhost.residents:
                continue
            where = networks(password.networks, mailhost.networks_of(account, service))
            yield account.address, service, where, last, password.name, "{SSHA512}" + password.hash
    if account.second_factor and mailhost.passwords_of(account) == "all":
        # Beside a client certificate the main password is what it is elsewhere without a second factor.
        where = networks((), mailhost.networks_of(account, "smtp"))
        yield account.address, WITH_CERTIFICATE, where, ANY, "main", "{ARGON2ID}" + account.password


def networks(own: tuple[str, ...], allowed: tuple[str, ...]) -> str:
    """The networks of the password, inside those of the account and of the service; lists that share nothing leave
    0.0.0.0/32, which is nowhere.
    """
    shared = (common(own, allowed) or (NOWHERE,)) if own and allowed else own or allowed
    return ",".join(str(ipaddress.ip_network(network)) for network in shared) or ANY
