"""What the hosts of one verification have in common: asked once, visited once, whoever needs it first."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ironpost.compliance.inside import snapshot
from ironpost.compliance.nameservers import NameServers, name_servers
from ironpost.compliance.vantage import Vantage, vantage_of
from ironpost.dns.records import Layout, Told
from ironpost.dns.told import parsed, silent, tellings
from ironpost.errors import IronpostError, UnverifiableError
from ironpost.evidence import NotCollectedError
from ironpost.evidence.snapshot import Snapshot
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost
from ironpost.once import Once

PARALLEL = 8


@dataclass(frozen=True)
class Common:
    """`visited`: names of the hosts of this run; what the others tell of themselves has to be asked for."""

    fleet: Fleet
    servers: NameServers
    layout: Layout
    visited: frozenset[str]
    vantage: Vantage | None = None
    _visits: Once[Snapshot] = field(default_factory=Once)
    _tellings: Once[tuple[Told | None, str]] = field(default_factory=Once)

    def snapshot(self, mailhost: MailHost) -> Snapshot:
        """Of the one visit that a host gets. Raises UnverifiableError."""
        return self._visits(mailhost.name, lambda: snapshot(mailhost))

    def from_outside(self) -> Vantage:
        if self.vantage is None:
            raise UnverifiableError("the inventory names no vantage point; add vantage_points= to the fleet")
        return self.vantage

    def tell(self, mailhosts: Iterable[MailHost]) -> tuple[dict[str, Told | None], list[str]]:
        """What the hosts tell of themselves for DNS, and a sentence for each that tells nothing."""
        hosts = list(mailhosts)
        with ThreadPoolExecutor(PARALLEL) as pool:
            found = dict(zip((each.name for each in hosts), pool.map(self._telling, hosts), strict=True))
        return {name: told for name, (told, _) in found.items()}, [why for _, why in found.values() if why]

    def _telling(self, mailhost: MailHost) -> tuple[Told | None, str]:
        return self._tellings(mailhost.name, lambda: self._told(mailhost))

    def _told(self, mailhost: MailHost) -> tuple[Told | None, str]:
        if mailhost.name not in self.visited:
            told, why = tellings([mailhost])
            return told[mailhost.name], " ".join(why)
        try:
            return parsed(mailhost, self.snapshot(mailhost).text("tells"))
        except NotCollectedError as error:
            return None, silent(mailhost, str(error))
        except IronpostError as error:
            return None, str(error)


@contextlib.contextmanager
def common_to(fleet: Fleet, mailhosts: Iterable[MailHost]) -> Iterator[Common]:
    """For the length of a verification of these hosts."""
    names = frozenset(mailhost.name for mailhost in mailhosts)
    with vantage_of(fleet.vantage_points, fleet.source.parent) as vantage:
        yield Common(fleet, name_servers(fleet), Layout(fleet.mailhosts), names, vantage)
