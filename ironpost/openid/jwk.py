"""Public keys as providers publish them (RFC 7517): what can be used of them, and with which algorithms."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from jwt.exceptions import PyJWTError

LEAST_RSA_BITS = 2048  # RFC 7518 §3.3
RSA = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"})
# Which curve goes with which algorithm (RFC 7518 §3.4, RFC 8037 §3.1).
CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA", "Ed448": "EdDSA"}
READERS: dict[str, Any] = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}


@dataclass(frozen=True)
class Key:
    kid: str | None
    algorithms: frozenset[str]
    public: Any


def keys_of(found: Any) -> tuple[Key, ...]:
    """Those that can verify a signature; all others are left out, symmetric ones first of all."""
    return tuple(key for each in found if isinstance(each, dict) if (key := key_of(each)))


def key_of(jwk: dict[str, Any]) -> Key | None:
    reader = READERS.get(str(jwk.get("kty")))
    if reader is None or jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ["verify"]):
        return None
    # What a provider must not publish is not read.
    public_part = {name: value for name, value in jwk.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth")}
    try:
        public = reader.from_jwk(json.dumps(public_part))
    except (PyJWTError, ValueError, TypeError, KeyError):
        return None
    usable = RSA if reader is RSAAlgorithm else frozenset({CURVES.get(str(jwk.get("crv")), "")})
    if reader is RSAAlgorithm and getattr(public, "key_size", 0) < LEAST_RSA_BITS:
        return None
    named = jwk.get("alg")
    kid = jwk.get("kid")
    return Key(kid if isinstance(kid, str) else None, usable if named is None else usable & {named}, public)
