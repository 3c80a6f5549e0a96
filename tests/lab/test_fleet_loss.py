"""No mail is lost while a fleet is changed, a host is killed, a disk fills up and the controller dies.

COUNT letters in all (5,000 unless the environment says otherwise), half of them in and half of them out, 20 a second.
SMTP promises at-least-once (RFC 5321 §6.1): what was answered with 250 arrives; a second time only if it was in flight.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from ironpost.lab import Lab
from tests.lab.deployment import BIN, TOP, succeed
from tests.lab.stream import Stream
from tests.lab.test_fleet import INVENTORY, fleet

__all__ = ["fleet"]
pytestmark = pytest.mark.soak
COUNT = int(os.environ.get("COUNT", "5000"))
RATE = 20.0
# Another certificate, other limits in Postfix and in the firewall, on every host.
CHANGES = (
    ("    chain, key = _lab.certificate(", "    _, _ = _lab.certificate("),
    (
        "    inner_chain, inner_key =",
        "    names = [f'mta-sts.{each}' for each in domains] if 'mx' in roles else []\n"
        "    chain, key = _lab.authority.certificate(host.fqdn, tuple(names), label=f'{host.fqdn}.next')\n"
        "    inner_chain, inner_key =",
    ),
    (
        "        outgoing_check=",
        "        limits=Limits(smtp_connections_per_minute=400, queue_days=4),\n        outgoing_check=",
    ),
    ("    Inner,\n", "    Inner,\n    Limits,\n"),
)
MAILBOX = "/var/vmail/example.org/anna"


def changed_inventory(folder: Path) -> Path:
    text = (TOP / INVENTORY).read_text()
    for old, new in CHANGES:
        assert old in text, f"{old!r} stands no more in {INVENTORY}"
        text = text.replace(old, new)
    path = folder / "changed.py"
    path.write_text(text)
    return path


def rollout(lab: Lab, inventory: Path, state: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(BIN / "ironpost"), "rollout", str(inventory), "-y", "--state", str(state), "--json", "-", *more],
        cwd=TOP,
        env=os.environ | {"IRONPOST_LAB": lab.name},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def until_wave(child: subprocess.Popen[str], wave: int) -> None:
    """Returns when the switch of that wave has begun."""
    assert child.stdout
    for line in child.stdout:
        event = json.loads(line)
        if event.get("wave") == wave and "in place" in event.get("text", ""):
            return
    raise AssertionError(f"the rollout ended before wave {wave}")


def small_mailbox(lab: Lab) -> None:
    """Anna's mailbox on a disk of its own, of 16 MiB."""
    lab.run("box2", f"mkdir -p {MAILBOX} && mount -t tmpfs -o size=16m,mode=700,uid=5000,gid=5000 tmpfs {MAILBOX}")


def test_nothing_is_lost(fleet: Lab, tmp_path: Path) -> None:
    """The ids of all that was taken, and of all that arrived, are the same set."""
    small_mailbox(fleet)
    inventory = changed_inventory(tmp_path)
    with Stream(fleet, COUNT // 2, RATE) as stream:
        child = rollout(fleet, inventory, tmp_path)
        until_wave(child, 2)
        os.killpg(child.pid, signal.SIGKILL)  # the controller, in the middle of a switch
        child.wait(10)
        # written and not allocated: a tmpfs refuses at once to allocate what it does not have
        fleet.run("box2", f"head -c 32M /dev/zero >{MAILBOX}/full; df {MAILBOX} | grep -q 100%")
        fleet.kill("mx2")
        time.sleep(10)
        fleet.power_on("mx2")
        fleet.run("box2", f"rm {MAILBOX}/full")
        again = rollout(fleet, inventory, tmp_path, "--resume")
        assert again.stdout
        events = [json.loads(line) for line in again.stdout]
        assert again.wait(60) == 0, [
            event for event in events if event["event"] in ("host failed", "gate", "not undone")
        ]
        stream.join()
        account = stream.account(seconds=300)
    print(f"taken {len(account.taken)}, lost {len(account.lost)}, twice {len(account.duplicates)}", account.duplicates)
    assert len(account.taken) == COUNT // 2 * 2 and not account.lost, sorted(account.lost)[:20]
    assert len(account.duplicates) <= COUNT / 100
    fleet.run(
        "box2", f"mkdir /root/kept && cp -a {MAILBOX}/. /root/kept && umount {MAILBOX} && cp -a /root/kept/. {MAILBOX}"
    )
    succeed(fleet, "pyinfra", INVENTORY, "deploys/mail.py", "-y", seconds=900)
