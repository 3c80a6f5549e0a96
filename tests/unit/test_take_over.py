"""A host that was somebody's: what stands in the way is told by name, and goes when the operator says so."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ironpost.facts.survey import Survey, complaints
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from tests.inventories import mailhost, write_inventory

FIT = {
    "uid": ["0"],
    "system": ["debian"],
    "release": ["trixie"],
    "init": ["systemd"],
    "memory_kib": ["2000000"],
    "disk_kib": ["9000000"],
}
DIRTY = {
    "alien": ["exim4-daemon-light", "ufw"],
    "listener": ['0.0.0.0:25 users:(("exim4",pid=7,fd=4))', '0.0.0.0:22 users:(("sshd",pid=8,fd=3))'],
    "cloud": ["yes"],
    "resolver": ["../run/systemd/resolve/stub-resolv.conf"],
    "configured": ["/etc/postfix/main.cf"],
}


def told(tmp_path: Path, facts: dict[str, list[str]], **settings: str) -> list[str]:
    host: MailHost = read_inventory(write_inventory(tmp_path, mailhost(**settings))).mailhosts[0]
    return complaints(host, Survey(FIT | {"clock": [str(int(time.time()))]} | facts, None, ()))


@pytest.mark.parametrize(
    "words",
    [
        "exim4-daemon-light is installed, a mail server of its own; remove it, or say take_over=True",
        "ufw is installed, a firewall of its own; remove it, or say take_over=True",
        'something listens on 0.0.0.0:25 (users:(("exim4",pid=7,fd=4))); stop it',
        "cloud-init writes the host name and /etc/hosts at each boot; disable it, or say take_over=True",
        "/etc/resolv.conf is a link to ../run/systemd/resolve/stub-resolv.conf; make it a file, or say take_over=True",
        "/etc/postfix/main.cf was written by somebody; remove it, or say take_over=True",
    ],
)
def test_each_thing_is_named_before_anything_is_touched(tmp_path: Path, words: str) -> None:
    """Nobody's mail server is replaced by a slip of the pen in an address."""
    found = told(tmp_path, DIRTY)
    assert len(found) == 6
    assert any(line.startswith(words) for line in found)


def test_the_operator_may_say_so(tmp_path: Path) -> None:
    """Then all of it goes, and what runs as part of it is not a second complaint."""
    assert told(tmp_path, DIRTY, take_over="True") == []


def test_a_program_that_no_package_brought_is_not_taken_over(tmp_path: Path) -> None:
    """It would listen again after the purge."""
    stray = {"listener": ['0.0.0.0:25 users:(("python3",pid=7,fd=4))']}
    assert len(told(tmp_path, DIRTY | stray, take_over="True")) == 1
    assert len(told(tmp_path, {"listener": DIRTY["listener"]}, take_over="True")) == 1


def test_letters_that_wait_are_not_thrown_away(tmp_path: Path) -> None:
    """A purge of exim4 takes its queue with it."""
    [only] = told(tmp_path, DIRTY | {"queued": ["/var/spool/exim4/input 3"]}, take_over="True")
    assert only == "/var/spool/exim4/input holds 3 messages; deliver or remove them, or they are lost"
