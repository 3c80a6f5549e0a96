"""A mail host as the others of its fleet know it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

RoleName = Literal["mx", "submission", "mailbox", "relay"]


@dataclass(frozen=True)
class Member:
    """A mail host by name, with what it does and for whom."""

    name: str
    roles: frozenset[RoleName]
    domains: frozenset[str]
    addresses: tuple[str, ...] = ()
    inner: bool = False  # it has a certificate by which the fleet knows it

    def serves(self, role: RoleName, domains: Iterable[str]) -> bool:
        return role in self.roles and self.domains.issuperset(domains)
