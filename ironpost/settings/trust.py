"""Certificates and signing keys."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from ironpost.secret import Secret
from ironpost.settings.block import Setting, shown
from ironpost.settings.publication import Rfc2136
from ironpost.settings.words import DnsLabel, MailAddress, PlainPath


class CertificateFiles(Setting):
    """A certificate that somebody else renews: chain in PEM (leaf first), and its private key.

    `next_key` is the private key of the certificate after it: its TLSA record stands in DNS long before it is used.
    """

    chain: PlainPath
    key: Secret
    next_key: Secret | None = None


def directory_url(value: str) -> str:
    if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/[!-~]*", value):
        raise ValueError(f"{shown(value)} is not the directory of an ACME server; write its https:// address")
    return value


class Acme(Setting):
    """A certificate that the host fetches and renews by itself (RFC 8555); its keys are born there and stay there.

    `challenge` says how the names are proven: "dns-01" by updates that `dns` describes, with a key that may write
    `_acme-challenge` names and nothing else; "http-01" over port 80. `rsa` adds a second certificate with an RSA key,
    for senders that know no ECDSA. `authority` is the root (PEM) of a private authority's own web server.
    """

    contact: MailAddress
    challenge: Literal["dns-01", "http-01"]
    directory: Annotated[str, AfterValidator(directory_url)] = "https://acme-v02.api.letsencrypt.org/directory"
    dns: Rfc2136 | None = None
    rsa: bool = False
    authority: PlainPath | None = None

    @model_validator(mode="after")
    def _names_can_be_proven(self) -> Acme:
        if not self._mistakes and (self.challenge == "dns-01") != (self.dns is not None):
            raise ValueError("dns-01 needs dns=Rfc2136(…), and http-01 has no use for it; set both or neither")
        return self


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
