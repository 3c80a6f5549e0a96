"""Certificates and signing keys."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from ironpost.secret import Secret
from ironpost.settings.block import Setting, shown
from ironpost.settings.publication import Rfc2136
from ironpost.settings.words import DnsLabel, MailAddress, PlainPath

LONGEST_LABEL = 40  # leaves room for -202611xxxx-r


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

    A host that had CertificateFiles keeps their key until its first rollover, and serves them until it has its own.

    `challenge` says how the names are proven: "dns-01" by updates that `dns` describes, with a key that may write
    `_acme-challenge` names and nothing else; "http-01" over port 80. `rsa` adds a second certificate with an RSA key,
    for senders that know no ECDSA. `authority` is the root (PEM) of a private authority's own web server. `next_key` is
    for the way back to CertificateFiles: the key of those files, whose TLSA record then stands in DNS long before.
    """

    contact: MailAddress
    challenge: Literal["dns-01", "http-01"]
    directory: Annotated[str, AfterValidator(directory_url)] = "https://acme-v02.api.letsencrypt.org/directory"
    dns: Rfc2136 | None = None
    rsa: bool = False
    authority: PlainPath | None = None
    next_key: Secret | None = None

    @model_validator(mode="after")
    def _names_can_be_proven(self) -> Acme:
        if not self._mistakes and (self.challenge == "dns-01") != (self.dns is not None):
            raise ValueError("dns-01 needs dns=Rfc2136(…), and http-01 has no use for it; set both or neither")
        return self


class Dkim(Setting):
    """The pair of keys that signs each message (RFC 6376, RFC 8463). The host makes up selectors, new ones each time.

    They begin with `label`, by default the first part of the host's name; with `rsa` and `ed25519` you name both
    yourself. `rotate_days` lets `ironpost dkim rotate --due` begin a rotation at that age. `test_wait_seconds` shortens
    every wait of a rotation, for tests alone: mail on its way may fail.
    """

    label: DnsLabel | None = None
    rsa: DnsLabel | None = None
    ed25519: DnsLabel | None = None
    rotate_days: Annotated[int, Field(ge=30, le=180)] | None = None
    test_wait_seconds: Annotated[float, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _selectors_differ(self) -> Dkim:
        if self._mistakes:
            return self
        if self.label is not None and len(self.label) > LONGEST_LABEL:
            raise ValueError(f"label has {len(self.label)} characters; use at most {LONGEST_LABEL}")
        if (self.rsa is None) is not (self.ed25519 is None):
            raise ValueError("names one selector of two; name both, or none and the host makes them up")
        if self.rsa is not None and self.rsa == self.ed25519:
            raise ValueError(f"both keys have the selector {self.rsa!r}; give each its own")
        return self
