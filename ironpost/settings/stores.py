"""Where accounts are kept, when that is not a file of the inventory: a directory (LDAP) or a database (PostgreSQL)."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from ironpost.secret import Secret
from ironpost.settings.block import Setting, shown
from ironpost.settings.words import DnsName, PlainPath

# What stands in configuration files of three programs, each with quoting of its own, has none of their signs.
FORBIDDEN = re.compile(r"""["'\\#%$;{}\x00-\x1f]""")
SQL_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}(?:\.[a-z_][a-z0-9_]{0,62})?")


def distinguished_name(value: str) -> str:
    """The name of an entry (RFC 4514), like ou=people,dc=example,dc=org."""
    parts = value.split(",")
    if FORBIDDEN.search(value) or not all(re.fullmatch(r"\s*[A-Za-z][A-Za-z0-9.-]*=[^=<>]+", part) for part in parts):
        raise ValueError(f"{shown(value)} is not the name of an entry; write it like ou=people,dc=example,dc=org")
    return value


def ldap_filter(value: str) -> str:
    """Which entries (RFC 4515), in parentheses."""
    depth = 0
    for at, character in enumerate(value):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0 or (depth == 0 and at < len(value) - 1):
            depth = -1
            break
    if depth or FORBIDDEN.search(value) or not re.match(r"\([&|!(]*[A-Za-z]", value):
        raise ValueError(f"{shown(value)} is not a filter; write it like (objectClass=inetOrgPerson)")
    return value


def attribute(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,63}", value):
        raise ValueError(f"{shown(value)} is not an attribute; write its name like mail")
    return value


def sql_name(value: str) -> str:
    if not SQL_NAME.fullmatch(value):
        raise ValueError(f"{shown(value)} is not a name without quotes; use a-z, 0-9 and _")
    return value


DistinguishedName = Annotated[str, AfterValidator(distinguished_name)]
LdapFilter = Annotated[str, AfterValidator(ldap_filter)]
Attribute = Annotated[str, AfterValidator(attribute)]
SqlName = Annotated[str, AfterValidator(sql_name)]
Word = Annotated[Secret, AfterValidator(Secret.as_word)]
Port = Annotated[int, Field(ge=1, le=65535)]


class Directory(Setting):
    """A directory (LDAP over TLS) that knows the accounts of a domain; it is given in place of the users file.

    `login` and `password` may read `address`, and the other attributes that are named, of the entries below `base`.
    Those that `accounts` fits have a mailbox; those that `may_log_in` fits too may log in, with the directory itself
    comparing the password. `alias` holds further addresses of the same domain, `quota_bytes` the size of the mailbox,
    `networks` where its owner may log in from, one value with commas. `authority` is a private CA (PEM).
    """

    servers: Annotated[tuple[DnsName, ...], Field(min_length=1)]
    base: DistinguishedName
    login: DistinguishedName
    password: Word
    port: Port = 636
    authority: PlainPath | None = None
    accounts: LdapFilter = "(objectClass=inetOrgPerson)"
    may_log_in: LdapFilter | None = None
    address: Attribute = "mail"
    alias: Attribute | None = None
    quota_bytes: Attribute | None = None
    networks: Attribute | None = None

    @property
    def uris(self) -> str:
        """The servers in the order in which they are asked, TLS from the first byte."""
        return " ".join(f"ldaps://{server}:{self.port}" for server in self.servers)

    @property
    def log_in(self) -> str:
        """The filter for who may log in, without the address."""
        return f"(&{self.accounts}{self.may_log_in})" if self.may_log_in else self.accounts

    @property
    def addressed(self) -> tuple[str, ...]:
        """The attributes that hold addresses of an account, the mailbox itself first."""
        return (self.address, self.alias) if self.alias else (self.address,)


class Database(Setting):
    """A PostgreSQL database, over TLS, that knows the accounts of a domain; it is given in place of the users file.

    Two tables or views are read: `accounts` with the columns address, password (an Argon2id hash, $argon2id$…),
    may_log_in (boolean), quota_bytes and networks (each may be NULL), and `aliases` with alias and address.
    `authority` is a private CA (PEM).
    """

    server: DnsName
    name: SqlName
    login: SqlName
    password: Word
    port: Port = 5432
    authority: PlainPath | None = None
    accounts: SqlName = "mail_accounts"
    aliases: SqlName = "mail_aliases"
