"""A mail host as a stranger saw it, address by address."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import Any

from ironpost.evidence import NotCollectedError
from ironpost.evidence.letters import Letters
from ironpost.evidence.world import World
from ironpost.evidence.zone import Zone


@dataclasses.dataclass(frozen=True)
class Probes:
    """What the prober (compliance/programs/prober) printed, and what DNS and mail showed besides.

    Parts by label, for each address: `ports`, `tls/PORT`, `smtp/25`, `smtp/587`, `smtp/465`, `injection/PORT`,
    `pipelining`, `smuggling`, `relay`, `unknown`, `manners`, `reports`, `forged srs`, `policy/DOMAIN`, `mailbox/143`,
    `mailbox/110`, `tokens/PORT`; their shapes stand beside the functions that collect them. Without a vantage point
    `error` says why there is none of them.
    """

    raw: Mapping[str, Any]
    zone_seen: Zone | None = None
    letters_seen: Letters | None = None
    world_seen: World | None = None

    @property
    def taken(self) -> datetime.datetime:
        """When it was collected: controls compare dates with this and not with the clock, so that verdicts stay."""
        if "taken" not in self.raw:
            raise NotCollectedError("the evidence does not say when it was collected")
        return datetime.datetime.fromisoformat(str(self.raw["taken"]))

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(self.raw["addresses"])

    def each(self, label: str) -> list[tuple[str, Any]]:
        """(address, part) for every address. Raises NotCollectedError when one of them is missing."""
        if not self.addresses:
            raise NotCollectedError(f"{label}: no address was looked at")
        return [(address, self.part(address, label)) for address in self.addresses]

    def part(self, address: str, label: str) -> Any:
        """One part. Raises NotCollectedError when it did not come about."""
        if label.startswith(("tls/", "exchange/")) and self.raw.get("unproven"):
            raise NotCollectedError(f"the prober does not prove itself: {'; '.join(map(str, self.raw['unproven']))}")
        found = self.raw["addresses"][address].get(label)
        if found is None and "error" in self.raw:
            raise NotCollectedError(str(self.raw["error"]))
        return collected(found, f"{address}: {label}", label)

    def has(self, label: str) -> bool:
        return any(label in parts for parts in self.raw["addresses"].values())

    def why(self, port: int) -> str:
        """What the host itself says of a port, in words; empty when it was not looked at."""
        return str(self.raw.get("why", {}).get(str(port), ""))

    @property
    def zone(self) -> Zone:
        if self.zone_seen is None:
            raise NotCollectedError("the zone was not read")
        return self.zone_seen

    @property
    def world(self) -> World:
        if self.world_seen is None:
            raise NotCollectedError("resolvers and name servers were not looked at")
        return self.world_seen

    @property
    def letters(self) -> Letters:
        if self.letters_seen is None:
            raise NotCollectedError("no letters were written")
        return self.letters_seen


def collected(found: Any, what: str, part: str = "") -> Any:
    """The part itself, unless it says that it did not come about."""
    if found is None:
        raise NotCollectedError(f"{what} was not looked at", part)
    if isinstance(found, dict) and "error" in found:
        raise NotCollectedError(f"{what}: {found['error']}", part)
    return found
