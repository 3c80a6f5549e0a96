"""The table of accounts that may log in with tokens: one row for each account and service.

Address, service, networks, and whether a second factor must have been asked for; between them tabs.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ANY = "*"


@dataclass(frozen=True)
class Row:
    address: str
    service: str
    networks: str
    second_factor: bool

    def reaches(self, address: str) -> bool:
        """Whether its owner may come from there; an address that is not known is in no network."""
        if self.networks == ANY:
            return True
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        found = getattr(found, "ipv4_mapped", None) or found
        return any(found in ipaddress.ip_network(network) for network in self.networks.split(","))


def rows(path: Path) -> Iterator[Row]:
    """Read at each login, so that an account that was disabled is shut out at once."""
    for line in path.read_text().splitlines():
        fields = line.split("\t")
        if len(fields) == 4 and not line.startswith("#"):
            address, service, networks, second = fields
            yield Row(address, service, networks, second == "required")


def row_of(path: Path, address: str, service: str) -> Row | None:
    return next((row for row in rows(path) if (row.address, row.service) == (address, service)), None)
