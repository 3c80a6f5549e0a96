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
    elsewhere = mailhost.admin.rpartition("@")[2] in mailhost.stored_domains
    owner = mailhost.admin if elsewhere else rows.get(mailhost.admin)
    if owner is None:
        return rows
    return {f"{role}@{name}": owner for name in mailhost.domain_names for role in ROLES} | rows


def submission_access(mailhost: MailHost) -> str:
    """A cidr table (cidr_table(5)): the allowlist of submission goes on to the next restriction, and so does this host
    itself, whose probes see whether the ports answer.
    """
    rows = [f"{network} DUNNO" for network in ("127.0.0.0/8", "::1/128", *mailhost.allow.submission)]
    rows += [f"{everyone} REJECT Submission is not open to your address" for everyone in ("0.0.0.0/0", "::/0")]
    return "\n".join(["# Who may submit mail. Written by ironpost.", *rows, ""])


def always_reached(mailhost: MailHost) -> dict[str, str]:
    """Who is written to even by hosts on a block list: they want to know why (RFC 5321 §4.5.1)."""
    return {f"{role}@{name}": "OK" for name in mailhost.postfix_domains for role in ROLES[:2]}


def client_certificates(mailhost: MailHost) -> dict[str, str]:
    """Fingerprint of a client certificate → what holds for its owner."""
    return {key: restriction.name for restriction in mailhost.certificate_restrictions for key in restriction.keys}


def relay_clients(mailhost: MailHost) -> dict[str, str]:
    """Network of a machine → what holds for it."""
    return {key: restriction.name for restriction in mailhost.address_restrictions for key in restriction.keys}


def smarthosts(mailhost: MailHost) -> dict[str, str]:
    """Sender domain → the host that takes its mail on. What is forwarded goes as mail of the first domain does."""
    rows = {f"@{name}": route.nexthop for route in mailhost.routes for name in route.smarthost.domains}
    first = rows.get(f"@{mailhost.main_domain}")
    return {f"@{mailhost.srs_domain}": first} | rows if mailhost.forwards and first else rows


def forward_destinations(mailhost: MailHost) -> dict[str, str]:
    """Where anything may be forwarded to; which account's mail goes where, its Sieve rule says."""
    return dict.fromkeys(mailhost.forward_destinations, "OK")


def srs_addresses(mailhost: MailHost) -> str:
    """A regexp table (regexp_table(5)): what may be an address of postsrsd is handed on to it."""
    lines = ["# Addresses that postsrsd is asked for. Written by ironpost."]
    return "\n".join([*lines, rf"/^(SRS[01][=+-].*@{mailhost.srs_domain_as_regexp})$/ ${{1}}", ""])


def smarthost_tls(mailhost: MailHost) -> dict[str, str]:
    """What TLS with a smarthost must be: verified against its name (RFC 8314 §3; smtp_tls_policy_maps)."""
    return {
        route.nexthop: f"secure match={route.smarthost.host}"
        + (f" tafile={route.authority_file}" if route.smarthost.authority else "")
        for route in mailhost.routes
    }


def own_names(mailhost: MailHost) -> dict[str, str]:
    """What a stranger cannot truthfully say in HELO: our own name and addresses."""
    literals = [literal(address) for address in mailhost.addresses]
    return dict.fromkeys((mailhost.name, *literals), "REJECT That is this host, not you")


def literal(address: str) -> str:
    """An address as SMTP writes it in place of a name (RFC 5321 §4.1.3)."""
    version = ipaddress.ip_address(address).version
    return f"[IPv6:{address}]" if version == 6 else f"[{address}]"
