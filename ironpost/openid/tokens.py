"""Whether a token is good, and whose it is: JWT access tokens (RFC 9068 §4), read as RFC 8725 asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jwt

from .answers import Foreign, Refused
from .jwk import Key

LEEWAY = 30  # seconds by which two clocks may differ
MOST_CHARACTERS = 16384
NEEDED = ["iss", "aud", "exp", "iat"]
# What PyJWT finds, in words that quote nothing.
FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (jwt.ExpiredSignatureError, "it has expired"),
    (jwt.ImmatureSignatureError, "it is not valid yet"),
    (jwt.InvalidAudienceError, "it is for another audience"),
    (jwt.InvalidIssuerError, "it is of another issuer"),
    (jwt.MissingRequiredClaimError, "it lacks a claim that it must have"),
    (jwt.InvalidSignatureError, "its signature is wrong"),
)


@dataclass(frozen=True)
class Provider:
    """What one domain asks of tokens; a row of the file that the inventory became."""

    domain: str
    issuer: str
    audience: str
    claim: str
    scope: tuple[str, ...]
    clients: tuple[str, ...]
    algorithms: tuple[str, ...]
    token_type: str
    second_factor: str | None
    keys_seconds: int
    authority: str | None = None


@dataclass(frozen=True)
class Head:
    """What a token says of itself before anything is verified: enough to know which key to ask for, and no more."""

    algorithm: str
    kid: str | None
    kind: str
    issuer: str


def head_of(token: str) -> Head:
    """Raises Refused for what is no JWT, and for one with extensions or keys of its own (RFC 8725 §3.10)."""
    if len(token) > MOST_CHARACTERS or token.count(".") != 2:
        raise Refused("it is no signed JWT")
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise Refused("it is no signed JWT") from None
    if "crit" in header or header.get("b64", True) is not True:
        raise Refused("its header asks for extensions that are not known here")
    kid = header.get("kid")
    kind = str(header.get("typ", "")).lower().removeprefix("application/")
    return Head(str(header.get("alg")), kid if isinstance(kid, str) else None, kind, str(claims.get("iss")))


def fits(head: Head, provider: Provider) -> None:
    """What must be true before any key is tried: a list of algorithms that the operator named (RFC 8725 §3.1)."""
    if head.algorithm not in provider.algorithms:
        raise Refused("it is not signed with an algorithm that is allowed here")
    if head.kind != provider.token_type.lower():
        raise Refused(f"its type is not {provider.token_type}")


def claims_of(token: str, head: Head, key: Key, provider: Provider) -> dict[str, Any]:
    """The verified claims. Raises Refused with the first fault."""
    try:
        found: dict[str, Any] = jwt.decode(
            token,
            key=key.public,
            algorithms=[head.algorithm],
            audience=provider.audience,
            issuer=provider.issuer,
            leeway=LEEWAY,
            options={"require": NEEDED},
        )
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise Refused(next((text for kind, text in FAULTS if isinstance(error, kind)), "it is damaged")) from None
    return found


def owner_of(claims: dict[str, Any], provider: Provider) -> str:
    """The address of the account that verified claims name, of the provider's own domain and no other."""
    granted = words(claims.get("scope", claims.get("scp")))
    if missing := [each for each in provider.scope if each not in granted]:
        raise Refused(f"the scope {missing[0]} was not granted")
    client = claims.get("client_id", claims.get("azp"))
    if provider.clients and client not in provider.clients:
        raise Refused("it was given to a program that is not listed")
    address = claims.get(provider.claim)
    if not isinstance(address, str) or address.lower().rpartition("@")[2] != provider.domain:
        raise Foreign(f"its {provider.claim} names nobody of {provider.domain}")
    if provider.claim == "email" and claims.get("email_verified", True) is not True:
        raise Refused("the provider has not verified the address in it")
    return address.lower()


def words(value: Any) -> list[str]:
    """A claim that is words with spaces between them (RFC 8693 §4.2), or a list of words."""
    found = value.split(" ") if isinstance(value, str) else value
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def has_second_factor(claims: dict[str, Any], provider: Provider) -> bool:
    """RFC 8176 §2 (`mfa`), or the class of authentication that the inventory names (RFC 9068 §2.2.1)."""
    if provider.second_factor is not None:
        return bool(claims.get("acr") == provider.second_factor)
    return "mfa" in words(claims.get("amr"))
