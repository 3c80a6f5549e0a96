"""The literal commands of an operator, run against the test network once per test run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ironpost.lab import Lab

TOP = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DEPLOY = ("pyinfra", "inventories/lab.py", "deploys/mail.py", "-y")


def run_command(lab: Lab, *words: str, seconds: int = 420) -> subprocess.CompletedProcess[str]:
    """One of our commands, in the checkout, for this lab; standard error goes with standard output."""
    environment = os.environ | {"IRONPOST_LAB": lab.name, "PYINFRA_PROGRESS": "off", "COLUMNS": "160"}
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]],
        cwd=TOP,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )


def succeed(lab: Lab, *words: str, seconds: int = 420) -> str:
    """The same, for a command that must exit 0; its output is shown when it does not."""
    done = run_command(lab, *words, seconds=seconds)
    assert done.returncode == 0, f"{' '.join(words)} exits {done.returncode}\n{done.stdout[-6000:]}"
    return done.stdout


def ssh_commands(lab: Lab, host: str, since: str) -> list[str]:
    """What others than `lab.run` asked of a host over SSH since then, counted by its own sshd (LogLevel VERBOSE)."""
    ours = subprocess.run([*lab.ssh(host), "echo $SSH_CONNECTION"], capture_output=True, text=True, check=True)
    port = ours.stdout.split()[1]
    text = lab.run(host, f"journalctl -q -o cat -t sshd -t sshd-session --since '{since}'").stdout
    started = [line for line in text.splitlines() if line.startswith("Starting session: command")]
    return [line for line in started if f" port {port} " not in line]


def failed_logins(lab: Lab, host: str) -> int:
    """Those that fail2ban reads in the whole journal of the host; in a file of its lines it finds no dates."""
    told = lab.run(host, "fail2ban-regex systemd-journal /etc/fail2ban/filter.d/ironpost-logins.conf").stdout
    return int(re.findall(r" (\d+) matched", told)[-1])


@pytest.fixture(scope="session")
def deployed(lab: Lab) -> Lab:
    """Both mail hosts deployed."""
    succeed(lab, *DEPLOY)
    return lab


@pytest.fixture(scope="session")
def published(deployed: Lab) -> Lab:
    """Both mail hosts deployed and their records published."""
    succeed(deployed, "ironpost", "dns", "apply", "inventories/lab.py")
    return deployed
