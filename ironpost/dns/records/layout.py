"""Which hosts each name of a fleet is about. Made once for a fleet, so that its cost does not grow with its square."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TypeVar

from ironpost.dns.records.dmarc import strangers
from ironpost.mailhost import MailHost

K = TypeVar("K")
V = TypeVar("V")


class Layout:
    """`serving`: mail domain → the hosts that serve it; `lodging`: mail domain → the hosts whose names lie in it.

    `reports`: (domain, domain that gets its DMARC reports) where the second must say that it wants them.
    """

    def __init__(self, mailhosts: Iterable[MailHost]) -> None:
        self.mailhosts = tuple(mailhosts)
        self.by_name = {mailhost.name: mailhost for mailhost in self.mailhosts}
        self.serving: dict[str, tuple[MailHost, ...]] = grouped(
            (name, mailhost) for mailhost in self.mailhosts for name in mailhost.domain_names
        )
        self.lodging: dict[str | None, tuple[MailHost, ...]] = grouped(
            (self.home(mailhost.name), mailhost) for mailhost in self.mailhosts
        )
        self.reports = tuple(
            (name, there)
            for name, serving in self.serving.items()
            for there in strangers(serving[0].domain(name), serving)
        )
        self._agreements = grouped((self.home(there), (domain, there)) for domain, there in self.reports)

    def home(self, name: str) -> str | None:
        """The fleet's domain in which a name lies: the longest one. None if it is somebody else's."""
        above = name
        while above and above not in self.serving:
            above = above.partition(".")[2]
        return above or None

    def agreements(self, name: str) -> tuple[tuple[str, str], ...]:
        """Those of `reports` that stand in this domain."""
        return self._agreements.get(name, ())

    def about(self, domain: str) -> tuple[MailHost, ...]:
        """The hosts that a domain's records are about; the first one's settings name the key."""
        serving = sorted(self.serving[domain], key=lambda mailhost: mailhost.domain(domain).dns is None)
        named = (serving[0], *self.serving[domain], *self.lodging.get(domain, ()))
        return tuple({mailhost.name: mailhost for mailhost in named}.values())

    def domains_of(self, mailhost: MailHost) -> tuple[str, ...]:
        """Those whose records are about this host too."""
        home = self.home(mailhost.name)
        return tuple(dict.fromkeys((*mailhost.domain_names, *([home] if home else []))))


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    found: dict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        found[key].append(value)
    return {key: tuple(values) for key, values in found.items()}
