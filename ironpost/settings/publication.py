"""How a zone is published."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ironpost.secret import Secret
from ironpost.settings.block import Setting, shown
from ironpost.settings.words import DnsName, key_name


class TsigKey(Setting):
    """A key for dynamic updates (RFC 8945): name and algorithm as the name server knows them."""

    name: Annotated[str, AfterValidator(key_name)]
    secret: Secret
    algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512"] = "hmac-sha256"


class Rfc2136(Setting):
    """Where a zone is published by dynamic update. `primary` takes updates; every one of `servers` is read back.

    `ttl` (seconds) is how long others remember what was published, and twice that is what a key rollover waits.
    """

    primary: str
    servers: Annotated[tuple[str, ...], Field(min_length=1)]
    key: TsigKey
    ttl: Annotated[int, Field(ge=1, le=3600)] = 300

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


class Parked(Setting):
    """A domain that is registered and never mails: published so that nobody can write in its name either."""

    name: DnsName
    dns: Rfc2136 | None = None
