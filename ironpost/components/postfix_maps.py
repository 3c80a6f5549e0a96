"""Postfix's lookup tables, written from the accounts: who exists, who gets whose mail, who may send as whom."""

from __future__ import annotations

import ipaddress

from ironpost.mailhost import MailHost

# RFC 5321 §4.5.1 and RFC 2142 want the first two of every domain; cron and the system write to the third.
ROLES = ("postmaster", "abuse", "root")


def table(reason: str, rows: dict[str, str]) -> str:
    """A texthash table: the reason as a comment, then `key value` in the order given."""
    lines = [f"# {reason} Written by ironpost.", *(f"{key} {value}" for key, value in rows.items())]
    return "\n".join(lines) + "\n"


def recipients(mailhost: MailHost) -> dict[str, str]:
    """Addresses with a mailbox of their own; a disabled account keeps receiving."""
    return {account.address: "mailbox" for account in mailhost.accounts}


def aliases(mailhost: MailHost) -> dict[str, str]:
    """Further addresses of accounts, then the roles that nobody has taken, which go to the admin."""
    rows = {alias: account.address for account in mailhost.accounts for alias in account.aliases}
    taken = {*rows, *recipients(mailhost)}
    # Without a domain: postmaster@[192.0.2.10], and <postmaster> alone, which must always be accepted.
    roles = [f"{role}@{name}" for name in mailhost.postfix_domains for role in ROLES] + list(ROLES)
    return rows | {role: mailhost.admin for role in roles if role not in taken}


def senders(mailhost: MailHost) -> dict[str, str]:
    """Who may use an address as envelope sender: its login, and the admin for the roles."""
    rows = {address: account.address for account in mailhost.accounts for address in account.addresses}
    owner = rows.get(mailhost.admin)
    if owner is None:
        return rows
    return {f"{role}@{name}": owner for name in mailhost.domain_names for role in ROLES} | rows


def own_names(mailhost: MailHost) -> dict[str, str]:
    """What a stranger cannot truthfully say in HELO: our own name and addresses."""
    literals = [literal(address) for address in mailhost.addresses]
    return dict.fromkeys((mailhost.name, *literals), "REJECT That is this host, not you")


def literal(address: str) -> str:
    """An address as SMTP writes it in place of a name (RFC 5321 §4.1.3)."""
    version = ipaddress.ip_address(address).version
    return f"[IPv6:{address}]" if version == 6 else f"[{address}]"
