"""Domains whose accounts are in a directory or a database: what Dovecot and Postfix are told of them."""

from __future__ import annotations

from ironpost.mailhost.said import HostSettings
from ironpost.settings import Database, Directory

SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
LOGINS_SOCKET = "/run/ironpost-logins.sock"
# Where a private CA of a store is put.
DIRECTORY_AUTHORITY = "/etc/ssl/ironpost/directory.pem"
DATABASE_AUTHORITY = "/etc/ssl/ironpost/database.pem"


class StoreValues(HostSettings):
    """Domains whose accounts are in a directory or a database: what Dovecot and Postfix are told of them."""

    @property
    def directory(self) -> Directory | None:
        """The directory that knows accounts of this host; fleet() sees to it that there is one at most."""
        return next((each.users for each in self.domains if isinstance(each.users, Directory)), None)

    @property
    def database(self) -> Database | None:
        """The same for a database."""
        return next((each.users for each in self.domains if isinstance(each.users, Database)), None)

    @property
    def directory_domains(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.domains if isinstance(each.users, Directory))

    @property
    def database_domains(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.domains if isinstance(each.users, Database))

    @property
    def stored_domains(self) -> tuple[str, ...]:
        """Domains whose accounts the inventory does not know."""
        return (*self.directory_domains, *self.database_domains)

    @property
    def has_stores(self) -> bool:
        return bool(self.stored_domains)

    @property
    def asks_elsewhere(self) -> bool:
        """Whether a login may find nobody who can judge it: a store, or a provider of tokens, may be away."""
        return self.has_stores or any(each.openid for each in self.domains)

    @property
    def directory_names(self) -> tuple[str, ...]:
        """What names of the directory's domains look like (Dovecot: username_filter)."""
        return tuple(f"*@{name}" for name in self.directory_domains)

    @property
    def database_names(self) -> tuple[str, ...]:
        return tuple(f"*@{name}" for name in self.database_domains)

    @property
    def names_elsewhere(self) -> tuple[str, ...]:
        """What no file knows, and is not looked up there."""
        return tuple(f"!*@{name}" for name in self.stored_domains)

    @property
    def directory_authority(self) -> str:
        """Whom the directory's certificate must be from."""
        return DIRECTORY_AUTHORITY if self.directory and self.directory.authority else SYSTEM_AUTHORITIES

    @property
    def database_authority(self) -> str:
        return DATABASE_AUTHORITY if self.database and self.database.authority else SYSTEM_AUTHORITIES

    @property
    def sasl_path(self) -> str:
        """Where Postfix asks about logins (postconf(5) smtpd_sasl_path)."""
        return LOGINS_SOCKET if self.asks_elsewhere else "private/auth"

    @property
    def recipient_maps(self) -> str:
        """Who has a mailbox, as postconf(5) virtual_mailbox_maps has it."""
        return self.maps("recipients")

    @property
    def alias_maps(self) -> str:
        return self.maps("aliases")

    @property
    def sender_maps(self) -> str:
        """Who may use an address as envelope sender (postconf(5) smtpd_sender_login_maps)."""
        return self.maps("senders")

    def maps(self, name: str) -> str:
        """The file of this host first, then what the stores say; one connection for all of Postfix (proxymap(8))."""
        return ", ".join([f"texthash:/etc/postfix/{name}", *(f"proxy:{each}" for each in self.store_maps(name))])

    def store_maps(self, name: str) -> tuple[str, ...]:
        """The maps of the stores with that name."""
        asked = self.directory and (name != "aliases" or self.directory.alias)
        found = [f"ldap:/etc/postfix/directory-{name}.cf"] * bool(asked)
        return (*found, *[f"pgsql:/etc/postfix/database-{name}.cf"] * bool(self.database))
