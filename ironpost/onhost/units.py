"""systemd units: what they are, and what a change of files asks of them."""

from __future__ import annotations

import subprocess
from typing import Any

from . import outdated
from .state import Refused

# Opened last, when all that listens has been configured.
LAST = ("nftables.service",)
SHOWN = "Id,ActiveState,UnitFileState,LoadState,ConditionResult,ConditionTimestampMonotonic,ControlGroup"


def systemctl(*words: str, must: bool = True) -> str:
    done = subprocess.run(["systemctl", "--no-ask-password", *words], capture_output=True, text=True, check=False)
    if must and done.returncode:
        said = done.stderr.strip().splitlines() or ["no message"]
        raise Refused(f"systemctl {' '.join(words)}: {said[0]}; see journalctl -u {words[-1]}")
    return done.stdout


def states(names: list[str]) -> dict[str, dict[str, str]]:
    """What systemd says of each unit, in one call."""
    if not names:
        return {}
    text = systemctl("show", f"--property={SHOWN}", *names, must=False)
    blocks = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in text.split("\n\n") if block]
    return dict(zip(names, blocks, strict=False))


def difference(wanted: dict[str, Any], found: dict[str, str]) -> str | None:
    """Why a unit is not as wanted."""
    if wanted["state"] == "masked":
        gone = found.get("LoadState") in ("masked", "not-found")
        return None if gone else "not masked"
    if found.get("UnitFileState") not in ("enabled", "static", "indirect", "generated", "alias", "enabled-runtime"):
        return "not enabled"
    if wanted["state"] == "running" and not (runs(found) or left_out(found)):
        return f"not running ({found.get('ActiveState')})"
    replaced = outdated.library(found.get("ControlGroup", "")) if restarts(wanted) else None
    return f"still uses {replaced}, which was replaced" if replaced else None


def restarts(wanted: dict[str, Any]) -> bool:
    """Whether a restart is ours to make: of sshd it is not, whose sessions people sit in."""
    return wanted["state"] == "running" and bool(wanted["restart_on"])


def runs(found: dict[str, str]) -> bool:
    return found.get("ActiveState") in ("active", "activating", "reloading")


def left_out(found: dict[str, str]) -> bool:
    """It was to start, and its own condition said no: in a container there is no clock to set and no audit log."""
    return found.get("ConditionResult") == "no" and found.get("ConditionTimestampMonotonic") not in (None, "", "0")


def action(wanted: dict[str, Any], found: dict[str, str], changed: list[str]) -> str | None:
    """`start`, `restart`, `reload-or-restart` or nothing, for a unit that should run."""
    if wanted["state"] != "running":
        return None
    if not runs(found):
        # Also where its condition said no: it may have been asked before our files were there (main.cf for Postfix).
        return "start"
    if any(path.startswith(tuple(wanted["restart_on"])) for path in changed):
        return "restart"
    if restarts(wanted) and outdated.library(found.get("ControlGroup", "")):
        return "restart"
    return "reload-or-restart" if any(path.startswith(tuple(wanted["reload_on"])) for path in changed) else None


def apply(units: list[dict[str, Any]], changed: list[str]) -> list[str]:
    """Brings units into their state, each touched once at most; returns what was done, as `action unit`."""
    if any(path.startswith("/etc/systemd/system/") for path in changed):
        systemctl("daemon-reload")
    found = states([unit["name"] for unit in units])
    for unit in units:
        if unit["state"] == "masked" and difference(unit, found[unit["name"]]):
            systemctl("mask", "--now", unit["name"])
        elif unit["state"] != "masked" and found[unit["name"]].get("LoadState") == "masked":
            systemctl("unmask", unit["name"])
    enable(units)
    actions = {unit["name"]: what for unit in units if (what := action(unit, found[unit["name"]], changed))}
    start([name for name, what in actions.items() if what == "start" and name not in LAST])
    for name in sorted(actions, key=lambda name: name in LAST):
        if actions[name] != "start" or name in LAST:
            act(actions[name], name)
    return [f"{what.replace('reload-or-restart', 'reload')} {name}" for name, what in actions.items()]


def start(names: list[str]) -> None:
    """All at once, as at boot; where that fails, one after the other, which names the one that does not start."""
    if not names:
        return
    systemctl("reset-failed", *names, must=False)
    if subprocess.run(["systemctl", "--no-ask-password", "start", *names], capture_output=True, check=False).returncode:
        for name in names:
            act("start", name)


def act(what: str, name: str) -> None:
    systemctl("reset-failed", name, must=False)
    systemctl(what, name)


def enable(units: list[dict[str, Any]]) -> list[str]:
    """Those that had to be."""
    wanted = [unit["name"] for unit in units if unit["state"] != "masked"]
    found = states(wanted)
    disabled = [name for name in wanted if found[name].get("UnitFileState") in ("disabled", "masked")]
    if disabled:
        systemctl("enable", *disabled)
    return disabled


def at_boot(units: list[dict[str, Any]]) -> None:
    """systemd starts what is enabled; what a change that was cut short had disabled already is told to it besides."""
    systemctl("daemon-reload")
    if back := enable(units):
        systemctl("start", "--no-block", *back, must=False)


def before(names: list[str]) -> list[dict[str, Any]]:
    """How units stand, for the way back to what was there before."""
    return [
        {"name": name, "active": found.get("ActiveState") == "active", "known": found.get("LoadState") == "loaded"}
        for name, found in states(names).items()
    ]


def leaving(earlier: list[dict[str, Any]], wanted: list[dict[str, Any]], origin: list[dict[str, Any]]) -> list[str]:
    """Units of the generation before that the next one does not name.

    What ran before the first run goes on; a unit that was kept from running stays masked.
    """
    staying = {unit["name"] for unit in wanted} | {unit["name"] for unit in origin if unit["active"]}
    return [unit["name"] for unit in earlier if unit["state"] != "masked" and unit["name"] not in staying]


def leave(names: list[str], wait: bool = True) -> None:
    """Stopped, and not started at boot either. Called while their files are there, which say what "enabled" means.

    At boot nothing is waited for, as in `stop_new`.
    """
    if names:
        systemctl("disable", *names, must=False)
        systemctl("stop", *([] if wait else ["--no-block"]), *names, must=False)


def stop_new(units: list[dict[str, Any]], earlier: list[dict[str, Any]]) -> None:
    """On the way back to before the first run: what did not run then does not run, and does not start at boot."""
    active = {unit["name"] for unit in earlier if unit["active"]} | set(LAST)
    for unit in units:
        if unit["name"] not in active and unit["state"] != "masked":
            systemctl("disable", unit["name"], must=False)
            # not waited for: at boot a start that is already queued is withdrawn by this
            systemctl("stop", "--no-block", unit["name"], must=False)
