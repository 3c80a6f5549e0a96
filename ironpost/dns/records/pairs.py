"""A pair of DKIM keys, as the host that bore it tells of it."""

from __future__ import annotations

from dataclasses import dataclass

REVOKED = "v=DKIM1; p="


@dataclass(frozen=True)
class SigningKey:
    """One key of a pair. `public` is the value of p=, empty once the key was destroyed."""

    kind: str
    selector: str
    public: str


@dataclass(frozen=True)
class Pair:
    """The RSA and the Ed25519 key that sign together; `age` and `born` in seconds, by the host's own clock.

    `state`: next (born), published (every name server was seen to show it), signing, retiring (signs no more, still
    verifies), revoked (DNS shows an empty p=, RFC 6376 §3.6.1). `age` counts from when it came to that state. `wait`:
    for how long resolvers could deny the new names when they came to be shown.
    """

    domain: str
    state: str
    age: int
    born: int
    keys: tuple[SigningKey, ...]
    wait: float = 0.0

    @property
    def rsa(self) -> str:
        """The selector by which the host knows the pair."""
        return next(key.selector for key in self.keys if key.kind == "rsa")

    @property
    def selectors(self) -> tuple[str, ...]:
        return tuple(key.selector for key in self.keys)

    @property
    def places(self) -> tuple[str, ...]:
        """Where its public halves stand."""
        return tuple(place(selector, self.domain) for selector in self.selectors)

    def value(self, key: SigningKey) -> str:
        """The key record (RFC 6376 §3.6.1)."""
        return REVOKED if self.state == "revoked" else f"v=DKIM1; k={key.kind}; p={key.public}"


def place(selector: str, domain: str) -> str:
    return f"{selector}._domainkey.{domain}"
