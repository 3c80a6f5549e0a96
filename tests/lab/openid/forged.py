"""Tokens that the provider has not made, from one that it has: what somebody tries who has seen one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from jwt.algorithms import RSAAlgorithm


def opened(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """(header, claims)"""
    header, claims, _ = token.split(".")
    return json.loads(decoded(header)), json.loads(decoded(claims))


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def put_together(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(part(json.dumps(each).encode()) for each in (header, claims))


def without_signature(token: str) -> str:
    """RFC 7519 §6: `alg` none."""
    header, claims = opened(token)
    return put_together(header | {"alg": "none"}, claims) + "."


def by_the_public_key(token: str, jwks: dict[str, Any]) -> str:
    """HS256 with the provider's public key as the shared word (RFC 8725 §2.1)."""
    header, claims = opened(token)
    jwk = next(each for each in jwks["keys"] if each["kid"] == header["kid"])
    pem = RSAAlgorithm.from_jwk(json.dumps(jwk)).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    start = put_together(header | {"alg": "HS256"}, claims)
    return f"{start}.{part(hmac.digest(pem, start.encode(), hashlib.sha256))}"


def by_a_key_of_its_own(token: str, key: Any) -> str:
    """Signed well, by a key that it brings along in its own header (RFC 8725 §3.10)."""
    header, claims = opened(token)
    own = json.loads(RSAAlgorithm.to_jwk(key.public_key()))
    return jwt.encode(claims, key, "RS256", {"typ": header["typ"], "kid": header["kid"], "jwk": own})


def changed(token: str, **claims: Any) -> str:
    """Other claims under the signature of the old ones."""
    header, old = opened(token)
    return put_together(header, old | {"iat": int(time.time())} | claims) + "." + token.rpartition(".")[2]
