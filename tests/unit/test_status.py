"""What of a host's state is said to need somebody."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ironpost.status import Reading, wants

WELL: dict[str, Any] = {
    "generation": {
        "number": 7,
        "phase": "settled",
        "when": "2026-11-20T10:00:00Z",
        "who": "anna@pc",
        "commit": "1f2e3d4",
    },
    "queue": {"waiting": {}, "oldest_seconds": 0, "reason": None},
    "units": [],
    "room": {"/": 0.6, "/var/vmail": 0.5},
    "certificate": "Jan  1 00:00:00 2100 GMT",
    "bans": 0,
    "drained": False,
    "reboot": False,
}


def reading(changes: dict[str, Any], clock_off: float = 0.0) -> Reading:
    facts = copy.deepcopy(WELL)
    for path, value in changes.items():
        part, _, key = path.partition(".")
        if key:
            facts[part][key] = value
        else:
            facts[part] = value
    return Reading("mx1.example.org", facts, clock_off=clock_off)


def test_a_host_that_is_well_wants_nothing() -> None:
    assert wants(reading({})) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"generation.number": 0}, "nothing was ever deployed here"),
        ({"generation.phase": "unconfirmed"}, "a change is unconfirmed"),
        ({"drained": True}, "takes no new mail"),
        (
            {"queue.oldest_seconds": 5 * 3600, "queue.reason": "Connection timed out"},
            "since 5 hours (Connection timed out)",
        ),
        ({"queue.waiting": {"hold": 2}}, "2 on hold"),
        ({"certificate": "Jan  1 00:00:00 2020 GMT"}, "its certificate has ended"),
        ({"units": ["dovecot.service"]}, "dovecot.service does not run"),
        ({"room": {"/var/vmail": 0.04}}, "/var/vmail: 4% free"),
        ({"reboot": True}, "waits for a reboot"),
    ],
)
def test_each_trouble_is_said_with_what_to_do(changes: dict[str, Any], said: str) -> None:
    """One trouble, one sentence: what; remedy."""
    [sentence] = wants(reading(changes))
    assert said in sentence
    assert "; " in sentence or ": " in sentence


def test_a_clock_that_is_off_is_said() -> None:
    [sentence] = wants(reading({}, clock_off=3600.0))
    assert sentence.startswith("its clock is off by 3600 s")


def test_a_host_that_cannot_be_read_says_only_that() -> None:
    assert wants(Reading("mx1.example.org", {}, "mx1.example.org: cannot be reached")) == [
        "mx1.example.org: cannot be reached"
    ]
