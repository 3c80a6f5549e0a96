"""A mail domain that a host serves."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, PrivateAttr, model_validator

from ironpost.accounts import Account
from ironpost.settings import (
    Database,
    Directory,
    Dkim,
    DnsName,
    MailAddress,
    OpenId,
    Rfc2136,
    Sender,
    Setting,
    plain_path,
    shown,
)

DKIM_DIRECTORY = "/var/lib/rspamd/dkim"


def several(value: Any) -> Any:
    """One address may be written without brackets."""
    return (value,) if isinstance(value, str) else value


def user_store(value: Any) -> str | Directory | Database:
    """Where the accounts of a domain are."""
    if isinstance(value, str):
        return plain_path(value)
    if isinstance(value, (Directory, Database)):
        return value
    raise ValueError(f"{shown(value)} is neither a file name nor Directory(…) nor Database(…); name a users file")


Users = Annotated[str | Directory | Database, PlainValidator(user_store)]
Addresses = Annotated[tuple[MailAddress, ...], BeforeValidator(several)]


class Domain(Setting):
    """A mail domain that the host serves. `users` names the file with its accounts, or is a Directory or a Database.

    `sends_already` says that other systems send in its name today. `also_sends` names those systems: domains whose SPF
    policy includes them, and networks. `spf_flat` writes our own addresses into the policy, so that receivers need not
    ask for them. `observe_until` ends a time of `p=none`; `dmarc_alignment="strict"` lets no other name of the same
    owner speak for the domain.

    `forward_to` lists the domains elsewhere that accounts may forward their mail to (`forward` in the users file).

    `mta_sts` is the mode of its policy (RFC 8461): unset, there is none, and no web server; "none" takes one back.
    `tls_reports` gets the reports of other servers on TLS (RFC 8460); unset, the admin does. `autoconfig` answers
    Thunderbird and Outlook. `openid` lets its people log in with tokens of a provider.
    """

    name: DnsName
    users: Users
    dkim: Dkim = Field(default_factory=Dkim)
    dns: Rfc2136 | None = None
    sends_already: bool = True
    spf: Literal["~all", "-all"] = "~all"
    spf_flat: bool = False
    also_sends: tuple[Sender, ...] = ()
    dmarc: Literal["none", "quarantine", "reject"] | None = None
    dmarc_reports: Addresses = ()
    dmarc_alignment: Literal["relaxed", "strict"] = "relaxed"
    observe_until: datetime.date | None = None
    mta_sts: Literal["none", "testing", "enforce"] | None = None
    tls_reports: MailAddress | None = None
    autoconfig: bool = False
    openid: OpenId | None = None
    forward_to: tuple[DnsName, ...] = ()
    _accounts: tuple[Account, ...] = PrivateAttr(default=())
    _exchangers: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="after")
    def _observation_ends(self) -> Domain:
        if not self._mistakes and self.dmarc == "none" and self.observe_until is None:
            raise ValueError("dmarc='none' protects nobody; say until when with observe_until=datetime.date(…)")
        return self

    @property
    def accounts(self) -> tuple[Account, ...]:
        return self._accounts

    @property
    def users_file(self) -> str | None:
        """The file with its accounts; None where they are kept elsewhere."""
        return self.users if isinstance(self.users, str) else None

    @property
    def exchangers(self) -> tuple[str, ...]:
        """The names of all mail hosts of the fleet that take its mail, as its MX set names them."""
        return self._exchangers

    @property
    def dmarc_policy(self) -> str:
        """p=reject for a domain that never sent; p=none for one that does, until its reports were read (RFC 9989)."""
        return self.dmarc or ("none" if self.sends_already else "reject")

    @property
    def signing_file(self) -> str:
        """Where the host keeps the selectors and keys with which it signs in this domain's name."""
        return f"{DKIM_DIRECTORY}/{self.name}.signing"
