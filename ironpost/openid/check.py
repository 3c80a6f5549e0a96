"""A token at a login: who may come in with it, for this service and from this address."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .accounts import row_of
from .answers import Foreign, Refused
from .keys import Keys
from .tokens import Head, Provider, claims_of, fits, has_second_factor, head_of, owner_of


@dataclass(frozen=True)
class Visit:
    """A login as Dovecot tells of it: its name of the service, and where the client is."""

    service: str
    address: str


class Checker:
    """The settings that were given, and the keys of each issuer."""

    def __init__(self, providers: Path, accounts: Path, folder: Path) -> None:
        self.providers = read_providers(providers)
        self.accounts = accounts
        self.keys = {
            each.issuer: Keys(each.issuer, each.authority, each.keys_seconds, folder) for each in self.providers
        }

    async def owner(self, token: str, visit: Visit) -> str:
        """The address of the account that the token opens. Raises Refused, or PutOff when nobody can tell."""
        head = head_of(token)
        trusted = [each for each in self.providers if each.issuer == head.issuer]
        refusals: list[Refused] = []
        for provider in trusted:
            try:
                return await self.admitted(token, head, provider, visit)
            except Refused as reason:
                refusals.append(reason)
        meant = [each for each in refusals if not isinstance(each, Foreign)]
        raise next(iter(meant or refusals), Refused("its issuer is none that is trusted here"))

    async def admitted(self, token: str, head: Head, provider: Provider, visit: Visit) -> str:
        fits(head, provider)
        key = await self.keys[provider.issuer].find(head.kid, head.algorithm)
        claims = claims_of(token, head, key, provider)
        address = owner_of(claims, provider)
        row = row_of(self.accounts, address, visit.service)
        if row is None:
            raise Refused(f"{address} may not log in to {visit.service} with a token")
        if not row.reaches(visit.address):
            raise Refused(f"{address} may not log in to {visit.service} from there")
        if row.second_factor and not has_second_factor(claims, provider):
            raise Refused(f"{address} needs a second factor, and the provider has not asked for one")
        return address

    def status(self) -> list[dict[str, Any]]:
        """What is in force, for `ironpost verify`."""
        return [
            {
                "domain": each.domain,
                "issuer": each.issuer,
                "audience": each.audience,
                "algorithms": list(each.algorithms),
                "scope": list(each.scope),
                "keys": len(self.keys[each.issuer].keys),
                "age": int(self.keys[each.issuer].age),
            }
            for each in self.providers
        ]


def read_providers(path: Path) -> tuple[Provider, ...]:
    rows: list[dict[str, Any]] = json.loads(path.read_text())["providers"]
    return tuple(provider_of(row) for row in rows)


def provider_of(row: dict[str, Any]) -> Provider:
    values: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in row.items()}
    return Provider(**values)
