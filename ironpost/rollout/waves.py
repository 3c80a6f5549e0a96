"""Which hosts are changed together, and in which order. Pure."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence

from ironpost.errors import InventoryError
from ironpost.mailhost import MailHost

Wave = tuple[MailHost, ...]


def waves_of(mailhosts: Sequence[MailHost], canary: int, sizes: Sequence[str]) -> tuple[Wave, ...]:
    """The canary, then waves until `10%`, `50%`, … or `3` of the hosts are done, in the order of the inventory.

    No wave holds all hosts of one role of one domain: what a wave breaks, others still do. A host that is alone in a
    role for some domain is changed in a wave of its own, last.
    """
    alone = [mailhost for mailhost in mailhosts if is_alone(mailhost, mailhosts)]
    others = [mailhost for mailhost in mailhosts if mailhost not in alone]
    found: list[Wave] = []
    left = list(others)
    for target in (canary, *(count_of(size, len(others)) for size in sizes), len(others)):
        wanted = target - (len(others) - len(left))
        while wanted > 0 and left:
            wave = fitting(left, mailhosts, wanted)
            found.append(wave)
            left = [mailhost for mailhost in left if mailhost not in wave]
            wanted -= len(wave)
    return (*found, *((mailhost,) for mailhost in alone))


def fitting(left: Sequence[MailHost], all_hosts: Sequence[MailHost], wanted: int) -> Wave:
    """The first `wanted` hosts that leave each role of each domain one host outside of the wave."""
    wave: list[MailHost] = []
    for mailhost in left:
        if len(wave) < wanted and not takes_all([*wave, mailhost], all_hosts):
            wave.append(mailhost)
    return tuple(wave)


def takes_all(wave: Iterable[MailHost], all_hosts: Iterable[MailHost]) -> bool:
    """Whether some domain would be left without a host for one of the roles."""
    inside = {mailhost.name for mailhost in wave}
    serving: dict[tuple[str, str], set[str]] = {}
    for mailhost in all_hosts:
        for place in itertools.product(mailhost.domain_names, mailhost.roles):
            serving.setdefault(place, set()).add(mailhost.name)
    return any(names <= inside for names in serving.values())


def is_alone(mailhost: MailHost, mailhosts: Iterable[MailHost]) -> bool:
    """Whether one of its domains has no other host for one of its roles."""
    return takes_all([mailhost], mailhosts)


def count_of(size: str, total: int) -> int:
    """`10%` of the hosts (rounded up) or `3` hosts. Raises InventoryError for anything else."""
    number = size.removesuffix("%")
    if not number.isdigit() or int(number) < 1 or (size.endswith("%") and int(number) > 100):
        raise InventoryError(f"waves: {size!r} is no part of a fleet; write them like 10%,50%,100% or 1,5")
    return math.ceil(total * int(number) / 100) if size.endswith("%") else min(int(number), total)
