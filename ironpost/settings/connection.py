"""How a host is reached, and from where it is looked at."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import Field, model_validator

from ironpost.secret import Secret
from ironpost.settings.block import Setting
from ironpost.settings.words import MailAddress, PlainPath, dns_name


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
