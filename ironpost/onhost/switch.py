"""The switch from one generation to another, and the way back. Runs detached: no lost link stops it half-way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from . import kernel, rules, signing, trees, units
from .state import (
    GENERATIONS,
    STAGE,
    Refused,
    forget_old,
    manifest_of,
    note,
    read_state,
    tree_of,
    write_durably,
    write_state,
)

PROBE_SECONDS = 20
CONFIRM_SECONDS = 90
TIMER = "ironpost-revert"
WAY_BACK = GENERATIONS.parent / "program" / "onhost"
RECOVER = Path("/etc/systemd/system/ironpost-recover.service")
LINKS = tuple(
    RECOVER.parent / f"{wanting}.wants" / RECOVER.name for wanting in ("multi-user.target", "nftables.service")
)
RECOVER_UNIT = f"""\
# A switch that the host did not survive is undone before any of the services starts.
[Unit]
Description=Undo a change of this mail host that was cut short
DefaultDependencies=no
After=local-fs.target
Before=nftables.service ssh.service unbound.service dovecot.service rspamd.service postfix.service postfix@-.service

[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -B {WAY_BACK} recover

[Install]
WantedBy=multi-user.target nftables.service
"""


def begin() -> int:
    """The staged generation gets its number, and the way back is secured, before anything changes."""
    state = read_state()
    number = int(state["current"]) + 1
    shutil.rmtree(GENERATIONS / str(number), ignore_errors=True)
    GENERATIONS.mkdir(mode=0o700, exist_ok=True)
    STAGE.replace(GENERATIONS / str(number))
    manifest = manifest_of(number)
    manifest["meta"] = manifest.get("meta", {}) | {"when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    write_durably(GENERATIONS / str(number) / "manifest.json", json.dumps(manifest))
    remember_origin([file["path"] for file in manifest["files"]], [unit["name"] for unit in manifest["units"]])
    keep_program()
    write_state(next=number, phase="switching")
    arm(CONFIRM_SECONDS * 2)
    return number


def keep_program() -> None:
    """The way back, by timer or at boot, lies where no generation takes it away."""
    source, target = Path(__file__).parent, WAY_BACK
    if source.resolve() != target.resolve():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    written = RECOVER.exists() and RECOVER.read_text() == RECOVER_UNIT
    # a host that died between the two lines below has the file and not the links
    if not written or not all(link.is_symlink() for link in LINKS):
        write_durably(RECOVER, RECOVER_UNIT)
        RECOVER.chmod(0o644)
        units.systemctl("daemon-reload")
        units.systemctl("enable", RECOVER.name)
        os.sync()


def remember_origin(paths: list[str], names: list[str]) -> None:
    """Generation 0 is what stood there before the first run; it grows by what is touched for the first time."""
    origin = manifest_of(0)
    known = {file["path"] for file in origin["files"]} | set(origin.get("absent", []))
    kept = {path: trees.keep(Path(path), tree_of(0)) for path in paths if path not in known}
    origin["files"] += [{"path": path} for path, there in kept.items() if there]
    origin["absent"] = origin.get("absent", []) + [path for path, there in kept.items() if not there]
    named = {unit["name"] for unit in origin["units"]}
    origin["units"] += units.before([name for name in names if name not in named])
    tree_of(0).mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(GENERATIONS / "0" / "manifest.json", json.dumps(origin))


def switch() -> dict[str, Any]:
    """Puts the staged generation in place, or leaves everything as it was. Raises Refused after undoing."""
    number = begin()
    manifest = manifest_of(number)
    try:
        units.leave(units.leaving(units_of(read_state()["current"]), manifest["units"], manifest_of(0)["units"]))
        done = put_in_place(manifest, tree_of(number), leaving(number))
        probe(manifest)
    except Refused as refused:
        undo()
        raise Refused(f"{refused}\nthe generation before it is back in place") from None
    arm(CONFIRM_SECONDS)
    write_state(phase="unconfirmed")
    return {"generation": number, "units": done}


def leaving(number: int) -> list[str]:
    staying = {file["path"] for file in manifest_of(number)["files"]}
    current = read_state()["current"]
    return [file["path"] for file in manifest_of(current)["files"] if file["path"] not in staying] if current else []


def units_of(number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = manifest_of(number)["units"] if number else []
    return found


def put_in_place(manifest: dict[str, Any], tree: Path, gone: list[str], live: bool = True) -> list[str]:
    changed = [file["path"] for file in manifest["files"] if trees.difference(file, Path(file["path"]))]
    for path in changed:
        trees.place(trees.below(tree, path), Path(path))
    for path in gone:
        put_back(path)
    drifted = signing.settle(manifest.get("signers", []))
    if live:
        drifted += [str(rules.FILE)] if rules.difference() else []
        drifted += [str(kernel.FILES[0])] if kernel.difference() else []
        return units.apply(manifest["units"], changed + gone + drifted)
    units.at_boot(manifest["units"])
    return []


def put_back(path: str) -> None:
    """What stood there before the first run, or nothing."""
    original = trees.below(tree_of(0), path)
    if os.path.lexists(original):
        trees.place(original, Path(path))
    else:
        Path(path).unlink(missing_ok=True)


def probe(manifest: dict[str, Any]) -> None:
    """Each service is asked whether it answers. Raises Refused with what the last try said."""
    until = time.monotonic() + PROBE_SECONDS
    for asked in manifest["probes"]:
        while True:
            left = max(1.0, until - time.monotonic())
            said = ask(asked["command"], left)
            if said is None:
                break
            if time.monotonic() > until:
                raise Refused(f"{asked['component']}: does not answer after the change: {said}")
            time.sleep(0.5)


def ask(command: str, seconds: float) -> str | None:
    try:
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=seconds + 5)
    except subprocess.TimeoutExpired:
        return "no answer in time"
    return None if done.returncode == 0 else (done.stderr.strip() or done.stdout.strip() or f"exit {done.returncode}")


def undo(live: bool = True) -> int:
    """Back to the generation before; number 0 is the host as it was, with its firewall closed.

    While the host boots (`live` is false) no unit is started or waited for: systemd starts them itself, after
    this has ended.
    """
    state = read_state()
    if state["phase"] == "settled":
        return int(state["current"])
    failed = manifest_of(state["next"])
    if state["current"]:
        manifest = manifest_of(state["current"])
        gone = [file["path"] for file in failed["files"] if file["path"] not in {f["path"] for f in manifest["files"]}]
        units.leave(units.leaving(failed["units"], manifest["units"], manifest_of(0)["units"]), wait=live)
        put_in_place(manifest, tree_of(state["current"]), gone, live)
    else:
        back_to_origin(failed, live)
    disarm()
    note(f"generation {state['next']} undone; {state['current']} is in place")
    write_state(phase="settled", next=None)
    return int(state["current"])


def back_to_origin(failed: dict[str, Any], live: bool) -> None:
    units.stop_new(failed["units"], manifest_of(0)["units"])
    for file in failed["files"]:
        put_back(file["path"])
    units.systemctl("daemon-reload")
    for unit in manifest_of(0)["units"] if live else []:
        if unit["active"]:
            units.systemctl("reload-or-restart", unit["name"], must=False)


def confirm() -> int:
    """Called over a new SSH connection: whoever can still get in may keep the change.

    The caller holds the lock, which a switch holds until its end: a phase "switching" is one that died, and is undone.
    """
    state = read_state()
    if state["phase"] == "switching":
        return undo()
    if state["phase"] == "unconfirmed":
        disarm()
        write_state(current=state["next"], next=None, phase="settled")
        forget_old(state["next"])
        meta = manifest_of(state["next"]).get("meta", {})
        note(f"generation {state['next']} in place, by {meta.get('who')}, inventory {meta.get('commit')}")
    return int(read_state()["current"])


def arm(seconds: int) -> None:
    """Without a confirmation in time the host goes back by itself."""
    disarm()
    command = ["systemd-run", "--quiet", f"--on-active={seconds}", f"--unit={TIMER}", "--timer-property=AccuracySec=1s"]
    subprocess.run([*command, "/usr/bin/python3", "-B", str(WAY_BACK), "revert"], check=True, capture_output=True)


def disarm() -> None:
    units.systemctl("stop", f"{TIMER}.timer", must=False)
