"""Who says who somebody is, when a mail program brings an access token in place of a password."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from ironpost.settings.block import Setting, shown
from ironpost.settings.words import PlainPath, dns_name

# RFC 7518 §3.1 and RFC 8037, without `none` and without what a shared or public string would sign (HS*).
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
WORD = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")  # a scope-token (RFC 6749 §3.3)


def issuer(value: str) -> str:
    """An issuer identifier (OpenID Connect Discovery §2): https, a name, and nothing that a query could hide in."""
    found = urlsplit(value)
    if found.scheme != "https":
        raise ValueError(f"{shown(value)} does not begin with https://; a provider is asked over verified TLS alone")
    try:
        dns_name(found.hostname or "")
        port = found.port or 443
    except ValueError as error:
        raise ValueError(f"{shown(value)} does not name the provider: {error}") from None
    if found.query or found.fragment or found.username or not port or not re.fullmatch(r"[\x21-\x7e]+", value):
        raise ValueError(f"{shown(value)} is more than an issuer; write it as the provider does, without ? # and @")
    return value


def word(value: str) -> str:
    if not WORD.fullmatch(value):
        raise ValueError(f"{shown(value)} is not one word; write it as it stands in the provider's tokens")
    return value


Issuer = Annotated[str, AfterValidator(issuer)]
Word = Annotated[str, AfterValidator(word)]


class OpenId(Setting):
    """A provider whose access tokens open the mail ports (RFC 9068), by OAUTHBEARER and XOAUTH2, inside TLS.

    `issuer` and `audience` are what its tokens say in `iss` and `aud`; `claim` holds the address of the account.
    `scope` must all be granted, `clients` are the programs whose tokens count (none: of all). `token_type` is "JWT" for
    providers that do not write RFC 9068's `at+jwt` into the header, like Keycloak and Entra.

    `passwords` says what opens the ports besides: "all", "app" passwords alone, or "none". Accounts with
    `second_factor` need a token that says so: `mfa` among `amr` (RFC 8176), or the value of `acr` named here.
    While the provider is away its keys are good for `keys_hours`. `authority` is a private CA (PEM).
    """

    issuer: Issuer
    audience: Word
    claim: Word = "email"
    scope: tuple[Word, ...] = ()
    clients: tuple[Word, ...] = ()
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("RS256", "PS256", "ES256", "EdDSA")
    token_type: Literal["at+jwt", "JWT"] = "at+jwt"  # noqa: S105 - the name of a type
    passwords: Literal["all", "app", "none"] = "all"
    second_factor: Word | None = None
    keys_hours: Annotated[int, Field(ge=1, le=168)] = 24
    authority: PlainPath | None = None

    @model_validator(mode="after")
    def _tokens_are_meant_for_mail(self) -> OpenId:
        if self._mistakes:
            return self
        if self.audience in self.clients and self.token_type == "JWT":  # noqa: S105 - the name of a type
            raise ValueError(
                f"audience: {self.audience} is a client too, so that its ID tokens would open mailboxes; "
                "give the mail service an audience of its own"
            )
        return self

    @property
    def port(self) -> int:
        return urlsplit(self.issuer).port or 443

    @property
    def configuration_url(self) -> str:
        """Where the provider describes itself (OpenID Connect Discovery §4)."""
        return f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
