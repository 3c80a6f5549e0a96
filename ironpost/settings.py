"""What an operator may say about a mail host, and how mistakes in it are told."""

from __future__ import annotations

import ipaddress
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from ironpost.secret import Secret

LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
LOCAL_PART = re.compile(r"[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?")
OWN_CODE = str(Path(__file__).parent)


class Setting(BaseModel):
    """A block of settings. Mistakes do not raise here: `fleet` tells all of them together, with file and line."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    # A block inside another one is looked at again by its own validators, which leave one with mistakes alone.
    _mistakes: tuple[str, ...] = PrivateAttr(default=())
    _where: str = PrivateAttr(default="")

    def __init__(self, *unnamed: Any, **values: Any) -> None:
        mistakes: list[str] = []
        if unnamed:
            mistakes.append(f"{type(self).__name__}: {len(unnamed)} value(s) without a name; write name=value")
        try:
            super().__init__(**values)
        except ValidationError as error:
            mistakes += [sentence(problem) for problem in error.errors(include_url=False, include_context=True)]
            object.__setattr__(self, "__pydantic_private__", {})
            object.__setattr__(self, "__pydantic_fields_set__", set())
            object.__setattr__(self, "__pydantic_extra__", None)
            object.__setattr__(self, "__dict__", dict(values))
        self._mistakes = tuple(mistakes)
        self._where = written_at()

    # pydantic calls __init__ of nested models itself unless it is told that this one adds nothing to validation.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @property
    def mistakes(self) -> tuple[str, ...]:
        """What is wrong with this block and with those inside it, in words."""
        return self._mistakes + tuple(
            f"{type(block).__name__}: {mistake}" for block in blocks_of(self) for mistake in block.mistakes
        )

    @property
    def where(self) -> str:
        """`file:line` of the inventory where this block was written."""
        return self._where


def blocks_of(block: Setting) -> list[Setting]:
    """The blocks written directly inside a block, whether or not it was accepted."""
    found: list[Setting] = []
    for value in vars(block).values():
        values = value if isinstance(value, (list, tuple)) else (value,)
        found += [item for item in values if isinstance(item, Setting)]
    return found


def written_at() -> str:
    """Where the operator wrote the call that is being made: the nearest line outside this library."""
    frame = sys._getframe(1)
    while frame.f_back and (frame.f_code.co_filename.startswith(OWN_CODE) or "pydantic" in frame.f_code.co_filename):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def sentence(problem: Any) -> str:
    """One pydantic error as `field: what; what to do`, quoting what was written but no secret."""
    place = ".".join(str(part) for part in problem["loc"] if not str(part).startswith("function-")) or "settings"
    if problem["type"] == "extra_forbidden":
        return f"{place}: there is no such setting; look for a misspelling"
    if problem["type"] == "missing":
        return f"{place}: is missing; add it"
    if problem["type"] == "is_instance_of" and problem["ctx"]["class"] == "Secret":
        return f"{place}: a secret must not stand in an inventory; use Secret.env, Secret.file or Secret.command"
    if problem["type"] == "value_error":
        return f"{place}: {problem['ctx']['error']}"
    return f"{place}: {problem['msg']}; found {shown(problem['input'])}"


def shown(value: Any) -> str:
    """What was written, on one line and not long."""
    if isinstance(value, Setting):
        return type(value).__name__
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def dns_name(value: str) -> str:
    """A host or domain name in lower case letters, digits and hyphens (RFC 1123 §2.1), without a closing dot."""
    labels = value.split(".")
    if len(labels) < 2 or len(value) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{shown(value)} is not a DNS name; write it like mx1.example.org, non-ASCII names as xn--…")
    if labels[-1].isdigit():
        raise ValueError(f"{shown(value)} is an address, not a name; name the host")
    return value


def key_name(value: str) -> str:
    """The name of a TSIG key: a domain name, often of one label (RFC 8945 §4.2); a closing dot is dropped."""
    value = value.removesuffix(".").lower()
    if not all(re.fullmatch(r"[a-z0-9_-]{1,63}", label) for label in value.split(".")):
        raise ValueError(f"{shown(value)} is not the name of a TSIG key; write it as the name server has it")
    return value


def dns_label(value: str) -> str:
    """One label of a DNS name (RFC 1035 §2.3.1)."""
    if not LABEL.fullmatch(value):
        raise ValueError(f"{shown(value)} is not a DNS label; use a-z, 0-9 and inner hyphens")
    return value


def local_part(value: str) -> str:
    """The part of a mail address before the @: a conservative subset of RFC 5321 §4.1.2, in lower case."""
    if not LOCAL_PART.fullmatch(value) or ".." in value:
        raise ValueError(f"{shown(value)} is not a mailbox name; use a-z, 0-9, and . _ + - inside")
    return value


def mail_address(value: str) -> str:
    """A mail address, user@domain."""
    user, at, domain = value.rpartition("@")
    if not at:
        raise ValueError(f"{shown(value)} is not a mail address; write user@domain")
    return f"{local_part(user)}@{dns_name(domain)}"


def network(value: Any) -> Any:
    """A network in CIDR notation or one address; bits below the mask are a mistake, not a shorthand."""
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(f"{shown(value)} is not a network; write 192.0.2.0/24, 2001:db8::/32 or one address") from None


def time_zone(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}", value):
        raise ValueError(f"{shown(value)} is not a time zone; write one like Europe/Berlin or Etc/UTC")
    return value


def plain_path(value: str) -> str:
    if not value or any(ord(character) < 32 for character in value):
        raise ValueError(f"{shown(value)} is not a file name; name a file of this controller")
    return value


DnsName = Annotated[str, AfterValidator(dns_name)]
DnsLabel = Annotated[str, AfterValidator(dns_label)]
LocalPart = Annotated[str, AfterValidator(local_part)]
MailAddress = Annotated[str, AfterValidator(mail_address)]
TimeZone = Annotated[str, AfterValidator(time_zone)]
PlainPath = Annotated[str, AfterValidator(plain_path)]
Network = Annotated[str, AfterValidator(lambda value: str(network(value)))]
Networks = tuple[Network, ...]


class Ssh(Setting):
    """How the controller reaches the host. `key` and `known_hosts` are files of the controller."""

    user: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]{0,31}$")] = "root"
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    address: str | None = None
    key: PlainPath | None = None
    known_hosts: PlainPath | None = None

    @model_validator(mode="after")
    def _address_is_plain(self) -> Ssh:
        if self._mistakes:
            return self
        if self.address is not None:
            try:
                ipaddress.ip_address(self.address)
            except ValueError:
                dns_name(self.address)
        return self


class Allow(Setting):
    """Who may reach a service at all. An empty list for ssh means: from anywhere, keys only, rate-limited."""

    ssh: Networks = ()


class CertificateFiles(Setting):
    """A certificate that somebody else renews: chain in PEM (leaf first), and its private key."""

    chain: PlainPath
    key: Secret


class Dkim(Setting):
    """The selectors of the two keys that sign each message (RFC 6376, RFC 8463)."""

    rsa: DnsLabel = "r1"
    ed25519: DnsLabel = "e1"

    @model_validator(mode="after")
    def _selectors_differ(self) -> Dkim:
        if self._mistakes:
            return self
        if self.rsa == self.ed25519:
            raise ValueError(f"both keys have the selector {self.rsa!r}; give each its own")
        return self


class TsigKey(Setting):
    """A key for dynamic updates (RFC 8945): name and algorithm as the name server knows them."""

    name: Annotated[str, AfterValidator(key_name)]
    secret: Secret
    algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"] = "hmac-sha256"


class Rfc2136(Setting):
    """Where a zone is published by dynamic update. `primary` takes updates; every one of `servers` is read back."""

    primary: str
    servers: tuple[str, ...]
    key: TsigKey

    @model_validator(mode="after")
    def _servers_are_addresses(self) -> Rfc2136:
        if self._mistakes:
            return self
        for server in (self.primary, *self.servers):
            try:
                ipaddress.ip_address(server)
            except ValueError:
                raise ValueError(f"{shown(server)} is not an address; name servers are named by address") from None
        return self


class VantagePoint(Setting):
    """A machine in no allowlist from which the host is probed; it needs sh and python3, and holds no trust.

    `local=True` in place of `ssh` means this controller, where that is a stranger to the host.
    """

    ssh: Ssh | None = None
    local: bool = False

    @model_validator(mode="after")
    def _is_one_place(self) -> VantagePoint:
        if not self._mistakes and (self.ssh is None) is not self.local:
            raise ValueError("is either ssh=Ssh(…) or local=True; write one of them")
        return self


class ProbeLogin(Setting):
    """A mailbox of this host for `ironpost verify`: it logs in, writes to those of the other hosts, and reads.

    `authority` is a file with the CA certificate of a private CA; without it the controller's own store decides.
    """

    address: MailAddress
    password: Secret
    authority: PlainPath | None = None


class Limits(Setting):
    """What one client or account may do; units in the names, reasons in docs/operating.md."""

    message_bytes: Annotated[int, Field(ge=1_000_000, le=1_000_000_000)] = 50 * 1024 * 1024
    smtp_connections_per_minute: Annotated[int, Field(ge=150)] = 200
    smtp_parallel: Annotated[int, Field(ge=10)] = 20
    auth_per_minute: Annotated[int, Field(ge=5)] = 60
    submission_parallel: Annotated[int, Field(ge=5)] = 20
    imap_parallel_per_user: Annotated[int, Field(ge=5)] = 50
    queue_days: Annotated[int, Field(ge=1, le=5)] = 5
    bounce_queue_days: Annotated[int, Field(ge=1, le=5)] = 2
    mailbox_bytes: Annotated[int, Field(ge=10_000_000)] = 5 * 1024**3
