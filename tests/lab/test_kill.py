"""A deploy that is cut short at either end: the host is never open, never half-changed, and the next run finishes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironpost.lab import Lab
from tests.lab.deployment import BIN, DEPLOY, TOP, run_command, succeed
from tests.lab.inventories import variant
from tests.lab.test_expected import expected, scan

FIRST, LAST = 20, 1000
SECONDS = 200
# Two settings that land in files of two programs: half a change would show.
CHANGE = (
    (
        "        admin=admin,\n",
        "        admin=admin,\n        greylisting=True,\n        limits=Limits(message_bytes=20_000_000),\n",
    ),
    ("Allow, ", "Allow, Limits, "),
)
SIZE = "/usr/sbin/postconf -h message_size_limit 2>/dev/null"
GREY = "sed -n 's/^greylist { enabled = \\(.*\\); }/\\1/p' /etc/rspamd/rspamd.conf.override 2>/dev/null"
OLD, NEW = ("52428800", "false"), ("20000000", "true")


class Deploy:
    """The operators' command, running, with its output read as it comes."""

    def __init__(self, lab: Lab, *words: str) -> None:
        environment = os.environ | {"IRONPOST_LAB": lab.name, "PYINFRA_PROGRESS": "off"}
        self.process = subprocess.Popen(
            [str(BIN / words[0]), *words[1:]],
            cwd=TOP,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def until(self, marker: str, seconds: float = 0) -> None:
        """Waits for a line with the marker, and then some."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if marker in line:
                time.sleep(seconds)
                return
        raise AssertionError(f"the deploy ended before it said {marker!r}")

    def kill(self) -> None:
        """The controller is gone from one moment to the next, with all its children."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def bare(lab: Lab, mailhost: str) -> Iterator[str]:
    """A mail host as it was rented. It is deployed again whatever happens, and its keys are published."""
    lab.reset(mailhost)
    yield mailhost
    succeed(lab, *DEPLOY)
    succeed(lab, "ironpost", "dns", "apply", "inventories/lab.py", "--insist")


def command(lab: Lab, host: str, inventory: str = "inventories/lab.py") -> tuple[str, ...]:
    return ("pyinfra", inventory, "deploys/mail.py", "-y", "--limit", lab.host(host).fqdn)


def doors(host: str) -> set[int]:
    """Those of the hand-written table, as far as they are looked at here."""
    return {port for port in expected(host)["open_to_everyone"] if FIRST <= port < LAST}


def never_open(lab: Lab, host: str) -> None:
    """A stranger finds no door besides those of a mail host; SSH only while no firewall has ever been in place."""
    found = set(scan(lab, lab.host(host).ipv4, FIRST, LAST))
    assert found <= doors(host) | {22}, found
    if 22 in found:
        assert found == {22}, found
        closed = lab.run(host, "test -e /var/lib/ironpost/state.json", check=False).returncode == 0
        assert not closed, "a host with a generation has SSH open to strangers"


def finishes(lab: Lab, host: str, inventory: str = "inventories/lab.py") -> None:
    """The next run goes on from wherever the last one was; the one after it has nothing to do."""
    succeed(lab, *command(lab, host, inventory))
    second = succeed(lab, *command(lab, host, inventory))
    assert re.search(r"Grand total\s+6\s+-\s+-\s+6", second), second[-3000:]
    assert lab.run(host, "test -e /usr/sbin/policy-rc.d", check=False).returncode == 1
    assert set(scan(lab, lab.host(host).ipv4, FIRST, LAST)) == doors(host)


def pair(lab: Lab, host: str) -> tuple[str, str]:
    """One setting of Postfix and one of rspamd, as they stand in their files."""
    size, grey = (lab.run(host, each, check=False).stdout.strip() for each in (SIZE, GREY))
    return size, grey


def whole(lab: Lab, host: str) -> tuple[str, str]:
    """Waits until the host has gone on or back by itself, as it must within its own time."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        state = lab.run(host, "cat /var/lib/ironpost/state.json 2>/dev/null", check=False).stdout
        if '"settled"' in state or not state:
            return pair(lab, host)
        time.sleep(2)
    raise AssertionError(f"{host} has not settled within {SECONDS} s: {state}")


@pytest.mark.parametrize("mailhost", ["mx2"], scope="session")
def test_the_controller_dies_while_packages_install(lab: Lab, bare: str) -> None:
    """The laptop is closed in the longest step of a first deploy."""
    deploy = Deploy(lab, *command(lab, bare))
    deploy.until("Packages, services held back", 4)
    deploy.kill()
    never_open(lab, bare)
    finishes(lab, bare)


@pytest.mark.parametrize("mailhost", ["mx1"], scope="session")
def test_the_host_dies_in_the_switch_of_a_first_deploy(lab: Lab, bare: str) -> None:
    """It comes back as it was before, closed, or as it was to be."""
    deploy = Deploy(lab, *command(lab, bare))
    deploy.until("Switch to it", 0.7)
    lab.kill(bare)
    deploy.kill()
    lab.power_on(bare)
    never_open(lab, bare)
    assert whole(lab, bare) in (("52428800", "false"), ("10240000", ""), ("", ""))
    finishes(lab, bare)


@pytest.mark.parametrize("moment", [0.6])
def test_the_host_dies_in_a_changing_deploy(published: Lab, mailhost: str, tmp_path: Path, moment: float) -> None:
    """Power fails when half of the files are in place."""
    inventory = variant(tmp_path, *CHANGE)
    deploy = Deploy(published, *command(published, mailhost, inventory))
    deploy.until("Switch to it", moment)
    published.kill(mailhost)
    deploy.kill()
    published.power_on(mailhost)
    never_open(published, mailhost)
    assert whole(published, mailhost) in (OLD, NEW)
    finishes(published, mailhost)


def test_the_controller_dies_before_it_confirms(published: Lab, mailhost: str, tmp_path: Path) -> None:
    """Nobody says that the host can still be reached: it goes back by itself, or the next run says so."""
    inventory = variant(tmp_path, *CHANGE)
    deploy = Deploy(published, *command(published, mailhost, inventory))
    deploy.until("Switch to it", 0.3)
    deploy.kill()
    never_open(published, mailhost)
    finishes(published, mailhost)
    assert whole(published, mailhost) == OLD


@pytest.mark.soak
@pytest.mark.parametrize("moment", [0.0, 0.1, 0.2, 0.4, 0.8, 1.2, 1.6, 2.4, 3.2])
def test_the_host_dies_at_any_moment_of_a_changing_deploy(
    published: Lab, mailhost: str, tmp_path: Path, moment: float
) -> None:
    """Not only at those moments that somebody thought of."""
    test_the_host_dies_in_a_changing_deploy(published, mailhost, tmp_path, moment)


@pytest.mark.soak
@pytest.mark.parametrize("seconds", [1, 3, 6, 9, 12, 16])
def test_the_host_dies_at_any_moment_of_a_first_deploy(lab: Lab, bare: str, seconds: int) -> None:
    """From the first package to the last probe."""
    deploy = Deploy(lab, *command(lab, bare))
    deploy.until("Preflight", seconds)
    lab.kill(bare)
    deploy.kill()
    lab.power_on(bare)
    never_open(lab, bare)
    whole(lab, bare)
    finishes(lab, bare)


@pytest.mark.soak
def test_a_host_that_nobody_confirms_goes_back_by_itself(published: Lab, mailhost: str, tmp_path: Path) -> None:
    """The timer on the host needs no controller."""
    inventory = variant(tmp_path, *CHANGE)
    deploy = Deploy(published, *command(published, mailhost, inventory))
    deploy.until("Switch to it", 0.3)
    deploy.kill()
    assert whole(published, mailhost) in (OLD, NEW)
    assert run_command(published, "ironpost", "lab", "status", "--name", published.name).returncode == 0
    succeed(published, *DEPLOY)
