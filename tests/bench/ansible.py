"""The same state twice: by Ansible, as its users would write it, and by us. A run of each that finds nothing to do.

In the test network four units count as changed each time: the kernel refuses containers a clock and an audit log, and
what cannot run is started anew; a unit that is not there is masked anew. Ours knows both.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from ironpost.components import PARTS
from ironpost.generation import compose
from ironpost.inventory import read_inventory
from ironpost.lab import Lab
from tests.bench import playbook
from tests.bench.measure import cost_of, network, row
from tests.lab.deployment import TOP, succeed

NAME = "bench"
PROGRAM = TOP / ".venv-tools" / "bin" / "ansible-playbook"
LEAST_RATIO = 20
ROUNDS = 3
RECAP = re.compile(r"ok=\d+\s+changed=\d+\s+unreachable=0\s+failed=0")
CHANGED = re.compile(r"^(?:TASK|RUNNING HANDLER) \[([^\]]+)\] \**\nchanged: ", re.M)


def main() -> None:
    """a run that changes nothing, against ansible-core with pipelining on the same host and the same state"""
    if not PROGRAM.exists():
        raise SystemExit("bench: ansible-core is not there; run: make .venv-tools/locked")
    with network(NAME) as lab:
        compared(lab)


def compared(lab: Lab) -> None:
    fleet = read_inventory(TOP / "inventories" / "lab.py")
    mailhost = fleet.mailhosts[0]
    deploy = ("pyinfra", "inventories/lab.py", "deploys/mail.py", "-y", "--limit", mailhost.name)
    succeed(lab, *deploy)
    host = lab.host("mx1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        playbook.write(folder, compose(mailhost, PARTS), host.ssh_user, lab.ssh_key, lab.known_hosts)
        first = played(folder)[1]
        row("tasks of Ansible's that change what we deployed", str(len(first)), "= 0", not first)
        print("".join(f"    {name}\n" for name in first), end="", flush=True)
        # What somebody changed by hand, Ansible puts back to what we find nothing to do about.
        lab.run("mx1", "postconf -e smtpd_banner=changed; chmod 600 /etc/postfix/master.cf; systemctl stop unbound")
        mended = played(folder)[1]
        row("tasks of Ansible's that mend three changes by hand", str(len(mended)), "≥ 3", len(mended) >= 3)
        left = deployed(deploy)[1]
        row("differences that our deploy sees after Ansible's", str(left), "= 0", left == 0)
        theirs = statistics.median(played(folder)[0] for _ in range(ROUNDS))
    ours = statistics.median(deployed(deploy)[0] for _ in range(ROUNDS))
    row(
        f"Ansible {theirs:.1f} s / Ironpost {ours:.1f} s",
        f"{theirs / ours:.1f}",
        f"≥ {LEAST_RATIO}",
        theirs >= LEAST_RATIO * ours,
    )


def played(folder: Path) -> tuple[float, list[str]]:
    """Seconds, and the tasks that changed something."""
    started = time.monotonic()
    command = [str(PROGRAM), "playbook.yml"]
    environment = os.environ | {"ANSIBLE_CONFIG": str(folder / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    took = time.monotonic() - started
    if not RECAP.search(done.stdout):
        raise SystemExit(f"bench: ansible-playbook failed\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return took, CHANGED.findall(done.stdout)


def deployed(command: tuple[str, ...]) -> tuple[float, int]:
    """Seconds, and how many operations changed something."""
    cost = cost_of(*command)
    total = re.search(r"Grand total\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)", cost.said)
    return cost.seconds, int(total[2]) if total and total[2] != "-" else 0
