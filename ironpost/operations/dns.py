"""Publishing the DNS records of all hosts of a run: once, on the controller."""

from __future__ import annotations

import subprocess
import sys

from pyinfra.api.command import FunctionCommand
from pyinfra.api.host import Host
from pyinfra.api.operation import operation
from pyinfra.api.state import State
from pyinfra.context import host, state

from ironpost.operations.deploy import Commands, contained, refuse, tell
from ironpost.operations.run import Run

PENDING = 3  # ironpost dns plan --exit-code
SECONDS = 600
TOLD: list[str] = []


def publish() -> None:
    """Plans and applies the zones of the hosts in this run, whatever their number."""
    publish_records(name="DNS records, from this controller", _run_once=True)


@operation()
@contained
def publish_records(run: Run) -> Commands:
    """The plan is shown whenever something is to do, also under --dry; it is applied in the run."""
    planned = command(run.host, "plan", "--exit-code")
    if planned.returncode == 0:
        return
    if not TOLD:  # every host of the run plans, and one of them applies
        TOLD.append(run.host.name)
        tell(host, planned.stdout.splitlines())
    if planned.returncode == PENDING or state.is_executing:
        yield FunctionCommand(applied, (), {})
    else:
        yield FunctionCommand(refuse, (planned.stderr.strip() or planned.stdout.strip(),), {})


def applied(state: State, host: Host) -> bool:
    done = command(host, "apply")
    lines = (done.stdout + done.stderr).splitlines()
    if done.returncode:
        return refuse(state, host, "\n".join(lines))
    summary = max((at for at, line in enumerate(lines) if line.startswith("changes are pending")), default=-1)
    tell(host, lines[summary + 1 :])
    return True


def command(host: Host, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: what it does with threads and sockets has nothing to do with pyinfra's."""
    limits = [word for each in sorted(state.limit_hosts or [], key=str) for word in ("--limit", each.name)]
    argv = [sys.executable, "-m", "ironpost", "dns", verb, str(host.data.inventory_file), *words, *limits]
    return subprocess.run(argv, capture_output=True, text=True, timeout=SECONDS, check=False)
