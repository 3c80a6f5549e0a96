"""Locking oneself out on purpose: no way back in exists, and the host comes back by itself within the time set."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ironpost.lab import Lab
from tests.lab.deployment import DEPLOY, succeed
from tests.lab.inventories import variant
from tests.lab.test_kill import Deploy, bare, command, finishes, never_open, whole

__all__ = ["bare"]
CONFIRM_SECONDS, FIRST_SECONDS = 90, 120
# A change of the firewall itself, which shows in the rules in force.
CHANGE = (
    ("        admin=admin,\n", "        admin=admin,\n        limits=Limits(smtp_connections_per_minute=333),\n"),
    ("Allow, ", "Allow, Limits, "),
)
SHUT = (
    "add table inet cut",
    "add chain inet cut input { type filter hook input priority -20; }",
    "add rule inet cut input tcp dport 22 ct state new drop",
)


def inside(lab: Lab, host: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A program of the host's own tree in its network, without SSH, to which there may be no way meanwhile."""
    call = lab.namespace_exec(host, ["chroot", str(lab.disk(lab.host(host)).root), *words])
    return subprocess.run(call, capture_output=True, text=True, check=False)


@pytest.fixture
def shut(lab: Lab, mailhost: str) -> Iterator[Callable[[], None]]:
    """From the call on nobody can open an SSH connection any more; those that are open go on."""

    def act() -> None:
        done = inside(lab, mailhost, "nft", "; ".join(SHUT))
        assert done.returncode == 0, done.stderr

    yield act
    inside(lab, mailhost, "nft", "delete table inet cut")


def until(condition: Callable[[], bool], seconds: float, pause: float = 1) -> float:
    """How long it took. Fails when it takes longer."""
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < seconds, f"not within {seconds} s"
        time.sleep(pause)
    return time.monotonic() - begun


def phase(lab: Lab, host: str) -> str:
    """How far a change is, read from the host's disk."""
    path = lab.disk(lab.host(host)).root / "var/lib/ironpost/state.json"
    found: str = json.loads(path.read_text())["phase"]
    return found


def rate_is(lab: Lab, host: str, rate: int) -> bool:
    rules = inside(lab, host, "nft", "list", "chain", "inet", "ironpost", "input").stdout
    return f"limit rate over {rate}/minute" in rules.partition("tcp dport 25 update")[2].partition("\n")[0]


@pytest.mark.soak
def test_a_firewall_that_shuts_the_operator_out_goes_back_by_itself(
    published: Lab, mailhost: str, tmp_path: Path, shut: Callable[[], None]
) -> None:
    """The check passed and the way back in is gone all the same: a router, another file, a changed address."""
    inventory = variant(tmp_path, *CHANGE)
    deploy = Deploy(published, *command(published, mailhost, inventory))
    deploy.until("Stage the generation")
    shut()
    until(lambda: rate_is(published, mailhost, 333), 60)
    until(lambda: rate_is(published, mailhost, 200), CONFIRM_SECONDS + 30)
    assert deploy.process.wait(60) == 1, "the deploy says that it failed"
    inside(published, mailhost, "nft", "delete table inet cut")
    whole(published, mailhost)
    finishes(published, mailhost)


@pytest.mark.soak
def test_a_cut_link_is_like_no_confirmation(published: Lab, mailhost: str, tmp_path: Path) -> None:
    """The cable is pulled in the middle of the switch, and stays out."""
    inventory, link = variant(tmp_path, *CHANGE), published.plan.interface(mailhost)
    deploy = Deploy(published, *command(published, mailhost, inventory))
    until(lambda: phase(published, mailhost) == "switching", 120, pause=0.05)
    subprocess.run(["ip", "link", "set", link, "down"], check=True)
    try:
        deploy.kill()
        until(lambda: rate_is(published, mailhost, 333), 60)
        until(lambda: rate_is(published, mailhost, 200), CONFIRM_SECONDS + 30)
    finally:
        subprocess.run(["ip", "link", "set", link, "up"], check=True)
    whole(published, mailhost)
    finishes(published, mailhost)


@pytest.mark.soak
def test_a_reboot_before_the_confirmation_goes_back_too(
    published: Lab, mailhost: str, tmp_path: Path, shut: Callable[[], None]
) -> None:
    """Whoever is shut out has the provider's console, and presses reset."""
    deploy = Deploy(published, *command(published, mailhost, variant(tmp_path, *CHANGE)))
    deploy.until("Stage the generation")
    shut()
    until(lambda: rate_is(published, mailhost, 333), 60)
    published.kill(mailhost)
    deploy.kill()
    published.power_on(mailhost)
    assert rate_is(published, mailhost, 200)
    never_open(published, mailhost)
    finishes(published, mailhost)


@pytest.mark.soak
def test_the_first_firewall_opens_again_when_nobody_confirms_it(lab: Lab, bare: str, shut: Callable[[], None]) -> None:
    """A new host is closed before anything is installed; one that closed its owner out would be lost."""
    deploy = Deploy(lab, *command(lab, bare))
    # the firewall's own program is the first thing that a deploy installs on a bare host
    until(lambda: inside(lab, bare, "nft", "--version").returncode == 0, 120, pause=0.1)
    shut()
    until(lambda: inside(lab, bare, "nft", "list", "table", "inet", "ironpost").returncode == 0, 90)
    until(lambda: inside(lab, bare, "nft", "list", "table", "inet", "ironpost").returncode == 1, FIRST_SECONDS)
    assert deploy.process.wait(60) == 1
    inside(lab, bare, "nft", "delete table inet cut")
    finishes(lab, bare)
    succeed(lab, *DEPLOY)
