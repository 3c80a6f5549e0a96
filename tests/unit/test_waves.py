"""Which hosts are changed together: never all that serve a domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ironpost.errors import InventoryError
from ironpost.rollout.waves import takes_all, waves_of


@dataclass(frozen=True)
class Host:
    """What the waves know of a mail host."""

    name: str
    domain_names: tuple[str, ...]
    roles: tuple[str, ...] = ("mx", "submission", "mailbox")


def fleet(*domains: str) -> list[Any]:
    """A host for each word: the domains that it serves, by letter."""
    return [Host(f"mx{number}", tuple(word)) for number, word in enumerate(domains, 1)]


def names(hosts: list[Any], canary: int = 1, sizes: tuple[str, ...] = ("10%", "50%", "100%")) -> list[list[str]]:
    return [[host.name for host in wave] for wave in waves_of(hosts, canary, sizes)]


def test_the_canary_goes_first_and_alone_then_the_parts_in_order() -> None:
    """The order is that of the inventory, and the same in every run."""
    hosts = fleet(*["a"] * 10)
    assert names(hosts) == [
        ["mx1"],
        ["mx2", "mx3", "mx4", "mx5"],
        ["mx6", "mx7", "mx8", "mx9", "mx10"],
    ]
    assert names(hosts) == names(hosts)


def test_a_domain_keeps_a_host_in_every_wave() -> None:
    """What a wave breaks, another host still takes the mail for."""
    hosts = fleet("a", "a", "b", "b")
    for wave in waves_of(hosts, 1, ("100%",)):
        assert not takes_all(wave, hosts)
    assert names(hosts, 1, ("100%",)) == [["mx1"], ["mx2", "mx3"], ["mx4"]]


def test_a_host_that_a_domain_has_alone_is_changed_alone_and_last() -> None:
    """Nothing stands in for it; by then the change is known to be good."""
    assert names(fleet("ab", "a", "a"))[-1] == ["mx1"]
    assert names(fleet("a", "b")) == [["mx1"], ["mx2"]]


def test_a_host_that_has_another_only_in_one_that_is_alone_has_its_wave() -> None:
    """mx1 is alone for b and goes last; it stands in for mx2 meanwhile."""
    assert names(fleet("ab", "a")) == [["mx2"], ["mx1"]]


def test_every_host_is_in_exactly_one_wave() -> None:
    """Whatever the sizes."""
    for sizes in (("100%",), ("1", "3"), ("10%", "50%", "100%"), ("7",)):
        for hosts in (fleet("a"), fleet(*["a"] * 7), fleet("a", "ab", "b", "c", "c", "abc", "d")):
            for canary in (1, 2, 9):
                found = [name for wave in names(hosts, canary, sizes) for name in wave]
                assert sorted(found) == sorted(host.name for host in hosts)


@pytest.mark.parametrize("size", ["0", "0%", "101%", "half", "", "10 %", "-1"])
def test_a_size_that_is_none_is_told(size: str) -> None:
    """Before anything is changed."""
    with pytest.raises(InventoryError, match="no part of a fleet"):
        names(fleet("a", "a"), 1, (size,))
