"""Certificates and signing keys."""

from __future__ import annotations

from pydantic import model_validator

from ironpost.secret import Secret
from ironpost.settings.block import Setting
from ironpost.settings.words import DnsLabel, PlainPath


class CertificateFiles(Setting):
    """A certificate that somebody else renews: chain in PEM (leaf first), and its private key.

    `next_key` is the private key of the certificate after it: its TLSA record stands in DNS long before it is used.
    """

    chain: PlainPath
    key: Secret
    next_key: Secret | None = None


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
