"""Machines that send through the host, and hosts that the host sends through."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from ironpost.secret import Secret
from ironpost.settings.access import NARROWEST, list_mistakes
from ironpost.settings.block import Setting, shown
from ironpost.settings.words import DnsLabel, DnsName, Networks, PlainPath


def fingerprint(value: str) -> str:
    """SHA-256 of a certificate, as `openssl x509 -noout -fingerprint -sha256` prints it."""
    text = value.rpartition("=")[2].replace(":", "").upper()
    if not re.fullmatch(r"[0-9A-F]{64}", text):
        raise ValueError(
            f"{shown(value)} is not a SHA-256 fingerprint; take it from `openssl x509 -noout -fingerprint -sha256`"
        )
    return ":".join(text[at : at + 2] for at in range(0, 64, 2))


Fingerprint = Annotated[str, AfterValidator(fingerprint)]


class ClientCertificates(Setting):
    """A port of its own that demands a client certificate of this private CA (PEM); TLS from the first byte.

    A machine of `relay_clients` sends there by its certificate alone, a user by certificate and password together.
    """

    authority: PlainPath
    port: Annotated[int, Field(ge=1024, le=65535)] = 4465


class RelayClient(Setting):
    """A machine that sends without a login, in the name of `domains` alone.

    It is known by `certificate`, the SHA-256 fingerprint of its client certificate, or by its `addresses`.
    """

    name: DnsLabel
    domains: Annotated[tuple[DnsName, ...], Field(min_length=1)]
    certificate: Fingerprint | None = None
    addresses: Networks = ()

    @model_validator(mode="after")
    def _is_known_by_one_thing(self) -> RelayClient:
        if self._mistakes:
            return self
        if bool(self.certificate) is bool(self.addresses):
            raise ValueError(f"{self.name} is known either by certificate= or by addresses=; write one of them")
        # Whoever sits at one of them sends without a password, so that none can be wide.
        wide = [net for net in self.addresses if ip_network(net).prefixlen < NARROWEST[ip_network(net).version]]
        if wide:
            raise ValueError(f"{self.name}: {wide[0]} is too wide to be trusted without a password; name the machine")
        if found := list_mistakes(self.name, self.addresses):
            raise ValueError("; and ".join(found))
        return self


class Smarthost(Setting):
    """A host that takes our mail on and delivers it, over verified TLS, for senders of `domains`; of all without.

    `user` and `password` are the login there; `authority` is a private CA (PEM) that its certificate is from.
    """

    host: DnsName
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    user: Annotated[str, Field(pattern=r"^[!-9;-~]+$")] | None = None
    password: Secret | None = None
    domains: tuple[DnsName, ...] = ()
    authority: PlainPath | None = None

    @model_validator(mode="after")
    def _login_is_whole(self) -> Smarthost:
        if self._mistakes:
            return self
        if (self.user is None) is not (self.password is None):
            raise ValueError(f"{self.host} has half a login; give user= and password=, or neither")
        if self.port == 465:
            raise ValueError("port 465 (TLS from the first byte) is not supported; use its STARTTLS port, usually 587")
        return self
