"""The mail host: what the operator said, and what follows from it. Everything else is derived from this one model."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from ironpost.accounts import Account, read_accounts
from ironpost.component import DkimKey, Port
from ironpost.secret import Secret
from ironpost.settings import (
    Allow,
    CertificateFiles,
    Dkim,
    DnsName,
    Limits,
    MailAddress,
    PlainPath,
    ProbeLogin,
    Rfc2136,
    Setting,
    Ssh,
    TimeZone,
    shown,
)

Release = Literal["bookworm", "trixie"]
DKIM_DIRECTORY = "/var/lib/rspamd/dkim"


def address_of(version: int) -> Any:
    def check(value: Any) -> Any:
        try:
            address = ipaddress.ip_address(value)
        except ValueError:
            raise ValueError(f"{shown(value)} is not an address; write it without a mask") from None
        if address.version != version:
            raise ValueError(f"{shown(value)} is not an IPv{version} address; put it into ipv{address.version}")
        return str(address)

    return check


class Domain(Setting):
    """A mail domain that the host serves. `sends_already` says that other systems send in its name today."""

    name: DnsName
    users: PlainPath
    dkim: Dkim = Field(default_factory=Dkim)
    dns: Rfc2136 | None = None
    sends_already: bool = True
    spf: Literal["~all", "-all"] = "~all"
    dmarc: Literal["none", "quarantine", "reject"] | None = None
    dmarc_reports: MailAddress | None = None
    _accounts: tuple[Account, ...] = PrivateAttr(default=())

    @property
    def accounts(self) -> tuple[Account, ...]:
        return self._accounts

    @property
    def dmarc_policy(self) -> str:
        """p=reject for a domain that never sent; p=none for one that does, until its reports were read (RFC 9989)."""
        return self.dmarc or ("none" if self.sends_already else "reject")

    @property
    def dkim_keys(self) -> tuple[DkimKey, DkimKey]:
        """The two keys that sign in this domain's name, and where they lie on the host."""
        place = f"{DKIM_DIRECTORY}/{self.name}"
        return (
            DkimKey(self.name, self.dkim.rsa, "rsa", f"{place}.{self.dkim.rsa}.key"),
            DkimKey(self.name, self.dkim.ed25519, "ed25519", f"{place}.{self.dkim.ed25519}.key"),
        )


class MailHost(Setting):
    """One mail host with all roles. `name` is its fully qualified host name, as its MX and its certificate say it."""

    name: DnsName
    release: Release
    tls: Literal["modern", "intermediate", "closed"]
    domains: Annotated[tuple[Domain, ...], Field(min_length=1)]
    admin: MailAddress
    certificate: CertificateFiles
    ipv4: Annotated[str, BeforeValidator(address_of(4))] | None = None
    ipv6: Annotated[str, BeforeValidator(address_of(6))] | None = None
    ssh: Ssh = Field(default_factory=Ssh)
    allow: Allow = Field(default_factory=Allow)
    reverse_dns: Rfc2136 | None = None
    time_zone: TimeZone = "Etc/UTC"
    cleartext_ports: tuple[Literal["imap", "pop3", "managesieve"], ...] = ()
    dmarc_inbound: Literal["standard", "strict"] = "standard"
    greylisting: bool = False
    limits: Limits = Field(default_factory=Limits)
    probe: ProbeLogin | None = None
    _directory: Path = PrivateAttr(default=Path())
    _open_ports: tuple[Port, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _can_be_reached(self) -> MailHost:
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
            domain._accounts, found = read_accounts(directory / domain.users, domain.name)
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
    def root_login(self) -> Literal["prohibit-password", "no"]:
        """sshd_config(5) PermitRootLogin: root comes in with a key where the controller does, else not at all."""
        return "prohibit-password" if self.ssh.user == "root" else "no"

    @property
    def allow_ssh_ipv4(self) -> tuple[str, ...]:
        """The IPv4 networks of the SSH allowlist; nft refuses sets whose intervals overlap, so they are merged."""
        return merged(self.allow.ssh, 4)

    @property
    def allow_ssh_ipv6(self) -> tuple[str, ...]:
        return merged(self.allow.ssh, 6)

    @property
    def open_ports(self) -> tuple[Port, ...]:
        """The doors of all components, besides SSH; only the firewall's mail host knows them."""
        return self._open_ports

    def with_open_ports(self, ports: tuple[Port, ...]) -> MailHost:
        """The same mail host, knowing which ports its components open."""
        copy = self.model_copy()
        copy._open_ports = ports
        return copy

    @property
    def tls_modern(self) -> bool:
        """Client ports speak TLS 1.3 only."""
        return self.tls == "modern"

    @property
    def tls_closed(self) -> bool:
        """Port 25 requires TLS too: a closed community."""
        return self.tls == "closed"

    @property
    def submission_tls_protocols(self) -> str:
        """Versions on 465 and 587, as postconf(5) writes them."""
        return ">=TLSv1.3" if self.tls_modern else ">=TLSv1.2"

    @property
    def postfix_domains(self) -> tuple[str, ...]:
        """The hosted domains, and the host's own name, where postmaster, abuse and root have an address too."""
        return tuple(dict.fromkeys((*self.domain_names, self.name)))

    @property
    def queue_minfree_bytes(self) -> int:
        """Free space below which Postfix takes no mail: one and a half of the largest message, as postconf(5) asks."""
        return self.limits.message_bytes * 3 // 2

    @property
    def name_as_regexp(self) -> str:
        return re.escape(self.name)

    @property
    def sends_over_both(self) -> bool:
        """It is known by an IPv4 and by an IPv6 address."""
        return len(self.addresses) == 2

    @property
    def sending_protocol(self) -> str:
        """Of a host with one kind of address: which, as postconf(5) inet_protocols writes it."""
        return "ipv4" if self.ipv4 else "ipv6"

    @property
    def mailbox_tls_minimum(self) -> str:
        """The oldest TLS on 993 and 995, as Dovecot writes it."""
        return "TLSv1.3" if self.tls_modern else "TLSv1.2"

    @property
    def imap_port(self) -> int:
        """Port of IMAP with STARTTLS; 0 means that it is closed."""
        return 143 if "imap" in self.cleartext_ports else 0

    @property
    def pop3_port(self) -> int:
        """Port of POP3 with STLS; 0 means that it is closed."""
        return 110 if "pop3" in self.cleartext_ports else 0

    @property
    def has_managesieve(self) -> bool:
        return "managesieve" in self.cleartext_ports

    @property
    def auth_memory_mib(self) -> int:
        """What Dovecot's login process may take: the dearest Argon2id hash of an account, and 256 MiB besides."""
        costs = [int(account.password.split("$")[3].partition(",")[0][2:]) for account in self.accounts]
        return 256 + max(costs, default=0) // 1024

    @property
    def dmarc_strict(self) -> bool:
        """Whatever fails a policy of quarantine or reject is refused, lists and forwarders included."""
        return self.dmarc_inbound == "strict"


def merged(networks: tuple[str, ...], version: int) -> tuple[str, ...]:
    """The networks of one IP version, in order, without overlaps."""
    found = [ipaddress.ip_network(network) for network in networks]
    if version == 4:
        return tuple(str(net) for net in ipaddress.collapse_addresses(n for n in found if n.version == 4))
    return tuple(str(net) for net in ipaddress.collapse_addresses(n for n in found if n.version == 6))
