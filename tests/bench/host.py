"""One host: its first deploy against apt-get alone, its second deploy, and its verification."""

from __future__ import annotations

import os
import resource
import shlex
import statistics
import subprocess
import time
from pathlib import Path

from ironpost.compliance.run import verify
from ironpost.components import PARTS
from ironpost.fleet import Fleet
from ironpost.generation import compose
from ironpost.inventory import read_inventory
from ironpost.lab import Lab
from tests.bench.measure import network, processor_seconds, row
from tests.lab.deployment import BIN, TOP, ssh_commands

NAME = "bench"
MOST_RATIO = 1.25
ROUNDS = 3  # of which the middle one counts: single runs differ by a fifth here
MOST_COMMANDS = 6
MOST_MIB = 200
MOST_SECONDS = 4
MOST_OWN = 0.3
APT = "apt-get -q -y update >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "


def deploy(lab: Lab, host: str) -> float:
    """Seconds of a run of the operators' command on one host."""
    words = ["pyinfra", "inventories/lab.py", "deploys/mail.py", "-y", "--limit", lab.host(host).fqdn]
    environment = os.environ | {"IRONPOST_LAB": lab.name, "PYINFRA_PROGRESS": "off"}
    started = time.monotonic()
    subprocess.run([str(BIN / words[0]), *words[1:]], cwd=TOP, env=environment, check=True, capture_output=True)
    return time.monotonic() - started


def bare_install(lab: Lab, host: str, packages: tuple[str, ...]) -> float:
    """Seconds of apt-get alone, on the same host, with the same packages from the same repository."""
    lab.reset(host)
    command = f"echo postfix postfix/main_mailer_type select 'No configuration' | debconf-set-selections; {APT}"
    started = time.monotonic()
    lab.run(host, command + shlex.join(packages), timeout=600)
    return time.monotonic() - started


def first_run(lab: Lab, host: str, packages: tuple[str, ...]) -> float:
    """How many times as long as apt-get alone a bare host takes to be a mail host."""
    bare = bare_install(lab, host, packages)
    lab.reset(host)
    return deploy(lab, host) / bare


def second_run(lab: Lab, host: str) -> int:
    """SSH commands of a run that finds nothing to do."""
    start = lab.run(host, "sleep 1; date '+%F %T'").stdout.strip()
    deploy(lab, host)
    return len(ssh_commands(lab, host, start))


def controller_mib() -> float:
    """The most that any child of this program took: pyinfra with both generations in memory."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def verification(lab: Lab, fleet: Fleet) -> None:
    """All passive and active controls on one host, and the controller's own work for it, its ssh among that."""
    subprocess.run([str(BIN / "ironpost"), "dns", "apply", "inventories/lab.py"], cwd=TOP, check=True)
    verify(fleet, fleet.mailhosts[:1])  # what is loaded once is not of the host
    for number, host in enumerate(fleet.mailhosts):
        before, started = processor_seconds(), time.monotonic()
        verify(fleet, fleet.mailhosts[number : number + 1])
        took, own = time.monotonic() - started, processor_seconds() - before
        row(f"{host.release}: seconds of a verification", f"{took:.1f}", f"< {MOST_SECONDS}", took < MOST_SECONDS)
        row(f"{host.release}: controller's seconds for it", f"{own:.2f}", f"≤ {MOST_OWN}", own <= MOST_OWN)


def main() -> None:
    """first and second deploy of one host, and its verification"""
    with network(NAME) as lab:
        fleet = read_inventory(Path(TOP / "inventories" / "lab.py"))
        for mailhost in fleet.mailhosts:
            host = mailhost.short_name
            packages = compose(mailhost, PARTS).packages
            ratios = sorted(first_run(lab, host, packages) for _ in range(ROUNDS))
            ratio = statistics.median(ratios)
            what = f"{mailhost.release}: first run / bare apt-get install"
            row(what, f"{ratio:.2f}", f"≤ {MOST_RATIO}", ratio <= MOST_RATIO)
            print(f"    all {ROUNDS}, each after its own apt-get: {', '.join(f'{one:.2f}' for one in ratios)}")
            count = second_run(lab, host)
            row(
                f"{mailhost.release}: SSH commands of a second run",
                str(count),
                f"≤ {MOST_COMMANDS}",
                count <= MOST_COMMANDS,
            )
        verification(lab, fleet)
        most = controller_mib()
        row("memory of the controller", f"{most:.0f} MiB", f"< {MOST_MIB}", most < MOST_MIB)
