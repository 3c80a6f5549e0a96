"""A fleet changed in waves: what a gate refuses goes back, and what was cut short is gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from ironpost.lab import Lab
from tests.lab.deployment import BIN, TOP, run_command, succeed
from tests.lab.inventories import with_setting
from tests.lab.sabotage.rounds import FORGET

CARELESS = "tests/lab/careless.py"
ROLLOUT = ("ironpost", "rollout")
HOSTS = ("mx1", "mx2")


def events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def generation(lab: Lab, host: str) -> int:
    return int(json.loads(lab.run(host, "cat /var/lib/ironpost/state.json").stdout)["current"])


def unchanged(lab: Lab, inventory: str = "inventories/lab.py") -> None:
    plan = run_command(lab, "ironpost", "plan", inventory, "--exit-code", "--hosts-only")
    assert plan.returncode == 0, plan.stdout


def test_a_canary_that_the_gate_refuses_goes_back_and_nothing_more_is_changed(published: Lab, tmp_path: Path) -> None:
    """Postfix, its checks and its probes accept the change; only a stranger's letters show what it does."""
    before = [generation(published, host) for host in HOSTS]
    for host in HOSTS:
        published.run(host, FORGET)  # a gate verifies three times, and other tests have just done so
    seen = tmp_path / "events.jsonl"
    words = ("inventories/lab.py", "-y", "--deploy", CARELESS, "--state", str(tmp_path), "--json", str(seen))
    done = run_command(published, *ROLLOUT, *words)
    assert done.returncode == 1, done.stdout
    told = events(seen)
    closed = next(event for event in told if event["event"] == "gate")
    assert [fault.split()[0] for fault in closed["faults"]["mx1.example.org"]] == ["SMTP-01"], closed
    assert [event["mailhosts"] for event in told if event["event"] == "wave"] == [["mx1.example.org"]]
    kinds = [event["event"] for event in told]
    for kind in ("drained", "undone", "back in service"):
        assert kind in kinds
    assert told[-1]["outcome"] == "stopped"
    # back, as a generation of its own; the other host was never touched
    assert [generation(published, host) for host in HOSTS] == [before[0] + 2, before[1]]
    listed = json.loads(succeed(published, "ironpost", "generations", "inventories/lab.py", "--json", "-"))
    past = next(row for row in listed["results"] if row["mailhost"] == "mx1.example.org")["generations"]
    assert past[-1]["meta"]["back_to"] == before[0] and past[-1]["files"] == {"/etc/postfix/main.cf": "changed"}
    assert published.run("mx1", "postconf -h smtpd_forbid_bare_newline").stdout.strip() == "reject"
    assert published.run("mx1", "nft list table inet ironpost_drain", check=False).returncode != 0
    unchanged(published)


def test_a_rollout_of_a_change_that_a_program_refuses_touches_no_host(published: Lab, tmp_path: Path) -> None:
    """What is not staged on all hosts of a wave is switched to on none."""
    before = [generation(published, host) for host in HOSTS]
    text = (TOP / "inventories" / "lab.py").read_text()
    other = '_lab.certificate("somebody.else.example")[1]'
    assert "key=Secret.file(key)" in text
    inventory = tmp_path / "variant.py"
    inventory.write_text(text.replace("key=Secret.file(key)", f"key=Secret.file({other})"))
    words = (str(inventory), "-y", "--state", str(tmp_path), "--drain", "never")
    done = run_command(published, *ROLLOUT, *words)
    assert done.returncode == 1 and "was refused; what runs was not touched" in done.stdout
    assert [generation(published, host) for host in HOSTS] == before
    unchanged(published)


@pytest.mark.soak
def test_a_rollout_whose_controller_is_killed_is_gone_on_with(published: Lab, tmp_path: Path) -> None:
    """Wherever it dies, every host is whole, and --resume does the rest."""
    inventory = with_setting(tmp_path, "greylisting=True")
    words = [str(BIN / "ironpost"), "rollout", inventory, "-y", "--state", str(tmp_path), "--json", "-"]
    environment = os.environ | {"IRONPOST_LAB": published.name}
    for moment in ("staged", "in place", "gate", "wave"):
        child = subprocess.Popen(
            words + (["--resume"] if moment != "staged" else []),
            cwd=TOP,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        assert child.stdout
        for line in child.stdout:
            event = json.loads(line)
            if moment in event.get("text", "") or (event["event"] == moment and event.get("wave") == 2):
                break
        os.killpg(child.pid, signal.SIGKILL)
        child.wait(10)
        child.stdout.close()
        time.sleep(1)
    done = run_command(published, *words[:4], "--state", str(tmp_path), "--resume")
    assert done.returncode == 0, done.stdout
    unchanged(published, inventory)
    for host in HOSTS:
        assert json.loads(published.run(host, "cat /var/lib/ironpost/state.json").stdout)["phase"] == "settled"
        published.run(host, "! nft list table inet ironpost_drain 2>/dev/null")
    succeed(published, "pyinfra", "inventories/lab.py", "deploys/mail.py", "-y")


@pytest.mark.soak
def test_an_interrupted_rollout_says_so(published: Lab, tmp_path: Path) -> None:
    """Exit status 130, and the host is back in service."""
    inventory = with_setting(tmp_path, "greylisting=True")
    child = subprocess.Popen(
        [str(BIN / "ironpost"), "rollout", inventory, "-y", "--state", str(tmp_path), "--json", "-"],
        cwd=TOP,
        env=os.environ | {"IRONPOST_LAB": published.name},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout
    for line in child.stdout:
        if "staged" in json.loads(line).get("text", ""):
            break
    child.send_signal(signal.SIGINT)
    rest = [json.loads(line) for line in child.stdout]
    assert child.wait(60) == 130 and rest[-1]["outcome"] == "aborted"
    published.run("mx1", "! nft list table inet ironpost_drain 2>/dev/null")
    succeed(published, "pyinfra", "inventories/lab.py", "deploys/mail.py", "-y")
    unchanged(published)
