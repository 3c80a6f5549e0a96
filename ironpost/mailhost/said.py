"""What an operator says about one mail host; its files and secrets, found from the inventory's folder."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from ironpost.accounts import Account, read_accounts
from ironpost.component import Port
from ironpost.mailhost.domain import Domain
from ironpost.mailhost.member import Member, RoleName
from ironpost.secret import Secret
from ironpost.settings import (
    Acme,
    Allow,
    CertificateFiles,
    ClientCertificates,
    DnsName,
    Inner,
    Limits,
    LoginKey,
    MailAddress,
    ProbeLogin,
    RelayClient,
    Rfc2136,
    Setting,
    Smarthost,
    Ssh,
    TimeZone,
    shown,
)

# What rspamd would ask others about our mail, by the names of its modules; off unless named in `asks_outside`.
OutsideService = Literal[
    "asn", "bimi", "dcc", "emails", "external_services", "fuzzy_check", "mid", "multimap", "mx_check", "p0f",
    "phishing", "rbl", "rspamd_update", "spf_whitelist", "surbl", "url_redirector", "whitelist",
]  # fmt: skip
Release = Literal["bookworm", "trixie"]


def address_of(version: int) -> Any:
    def check(value: Any) -> Any:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            raise ValueError(f"{shown(value)} is not an address; write it without a mask") from None
        if address.version != version:
            raise ValueError(f"{shown(value)} is not an IPv{version} address; put it into ipv{address.version}")
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped:
            raise ValueError(f"{shown(value)} is IPv4 in the form of IPv6; put {mapped} into ipv4")
        if address.is_multicast or address.is_unspecified or address.is_link_local or address.is_reserved:
            raise ValueError(f"{shown(value)} is an address that nobody can write to; name the host's own public one")
        return str(address)

    return check


class HostSettings(Setting):
    """What an operator says about one mail host, and what is known of it at once."""

    name: DnsName
    release: Release
    tls: Literal["modern", "intermediate", "closed"]
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]
    admin: MailAddress
    certificate: CertificateFiles | Acme
    roles: Annotated[tuple[RoleName, ...], Field(min_length=1)] = ("mx", "submission", "mailbox")
    inner: Inner | None = None
    ipv4: Annotated[str, BeforeValidator(address_of(4))] | None = None
    ipv6: Annotated[str, BeforeValidator(address_of(6))] | None = None
    ssh: Ssh = Field(default_factory=Ssh)
    ssh_keys: tuple[LoginKey, ...] = ()
    allow: Allow = Field(default_factory=Allow)
    reverse_dns: Rfc2136 | None = None
    mx_preference: Annotated[int, Field(ge=0, le=65535)] = 10
    certificate_authorities: tuple[DnsName, ...] = ()
    time_zone: TimeZone = "Etc/UTC"
    cleartext_ports: tuple[Literal["imap", "pop3", "managesieve"], ...] = ()
    dmarc_inbound: Literal["standard", "strict"] = "standard"
    header_from: Literal["logged", "owned"] = "logged"
    greylisting: bool = False
    postscreen: bool = False
    bare_newline: Literal["normalize", "reject"] = "normalize"
    blocklists: tuple[DnsName, ...] = ()
    asks_outside: tuple[OutsideService, ...] = ()
    outgoing: Literal["any", "needed"] = "any"
    outgoing_check: DnsName | None = None
    client_certificates: ClientCertificates | None = None
    relay_clients: tuple[RelayClient, ...] = ()
    smarthosts: tuple[Smarthost, ...] = ()
    limits: Limits = Field(default_factory=Limits)
    take_over: bool = False
    probe: ProbeLogin | None = None
    _directory: Path = PrivateAttr(default=Path())
    _open_ports: tuple[Port, ...] = PrivateAttr(default=())
    _parked_names: tuple[str, ...] = PrivateAttr(default=())
    _fleet_names: tuple[str, ...] = PrivateAttr(default=())
    _fleet_addresses: tuple[str, ...] = PrivateAttr(default=())
    _members: tuple[Member, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _can_be_reached(self) -> HostSettings:
        if self.ipv4 is None and self.ipv6 is None:
            raise ValueError("has neither ipv4 nor ipv6; give the addresses that the world reaches it by")
        names = [domain.name for domain in self.domains if not domain.mistakes]
        for name in sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the domain {name} stands twice in domains; keep one")
        return self

    def to_json(self) -> dict[str, Any]:
        """What may be shown: no hash, and of a secret only where it comes from."""
        shown: dict[str, Any] = self.model_dump(mode="json")
        return shown

    def read_users(self, directory: Path) -> list[str]:
        """Reads the users file of each domain; relative names are taken from the inventory's folder from now on."""
        self._directory = directory
        mistakes: list[str] = []
        for domain in self.domains:
            if domain.users_file:
                domain._accounts, found = read_accounts(directory / domain.users_file, domain.name)
                mistakes += found
        return mistakes

    def file(self, name: str) -> Path:
        """A file of the controller that a setting names."""
        return self._directory / Path(name).expanduser()

    def secret(self, secret: Secret) -> Secret:
        """A secret of the settings, its file name made absolute."""
        return secret.relative_to(self._directory)

    @property
    def addresses(self) -> tuple[str, ...]:
        """IPv4 first, as far as there are any."""
        return tuple(address for address in (self.ipv4, self.ipv6) if address)

    @property
    def parked_names(self) -> tuple[str, ...]:
        """Domains of the same fleet that never mail."""
        return self._parked_names

    @property
    def domain_names(self) -> tuple[str, ...]:
        return tuple(domain.name for domain in self.domains)

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The accounts of all domains, in the order of the files."""
        return tuple(account for domain in self.domains for account in domain.accounts)

    @property
    def ssh_address(self) -> str:
        return self.ssh.address or self.ipv4 or self.ipv6 or self.name

    def domain(self, name: str) -> Domain:
        return next(domain for domain in self.domains if domain.name == name)

    @property
    def main_domain(self) -> str:
        """The domain that the inventory names first: mail of the host itself is from there."""
        return self.domain_names[0]

    @property
    def short_name(self) -> str:
        """The first label of the host name, as the prompt and the journal show it."""
        return self.name.partition(".")[0]

    @property
    def tls_modern(self) -> bool:
        """Client ports speak TLS 1.3 only."""
        return self.tls == "modern"

    @property
    def tls_closed(self) -> bool:
        """Port 25 requires TLS too: a closed community."""
        return self.tls == "closed"
