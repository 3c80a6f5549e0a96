"""Staging: users, keys and files are prepared and tried; nothing that runs is touched."""

from __future__ import annotations

import grp
import json
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

from . import accounts, inherited, signing, tlskeys, trees, trial
from .state import STAGE, TOP, Refused, manifest_of, read_state


def stage(incoming: Path, program: Path) -> dict[str, Any]:
    """Takes what was sent to `incoming` (manifest.json, tree/) for the next generation. Raises Refused."""
    state = read_state()
    if state["phase"] != "settled":
        raise Refused(f"generation {state['next']} is {state['phase']}; wait until it is confirmed or undone")
    manifest: dict[str, Any] = json.loads((incoming / "manifest.json").read_text())
    for user in manifest["users"]:
        ensure_user(user)
    for folder in manifest["directories"]:
        trees.ensure_folder(folder)
    signing.prepare(manifest.get("signers", []))
    for wanted in manifest["tls_keys"]:
        inherited.adopt(wanted, manifest_of(state["current"]))
        tlskeys.ensure(wanted)
    trees.give_owners(manifest, incoming / "tree")
    trial.try_staged(program, incoming)
    shutil.rmtree(STAGE, ignore_errors=True)
    incoming.replace(STAGE)
    return {"staged": len(manifest["files"])}


def try_now(folder: Path) -> int:
    """The verb that trial.py runs inside its mount namespace."""
    import sys

    manifest = json.loads((folder / "manifest.json").read_text())
    complaints = trial.check_in_place(manifest, folder / "tree", leaving(manifest))
    if complaints:
        print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints else 0


def leaving(manifest: dict[str, Any]) -> list[str]:
    """Paths of the running generation that the next one does not have."""
    staying = {file["path"] for file in manifest["files"]}
    current = read_state()["current"]
    return [file["path"] for file in manifest_of(current)["files"] if file["path"] not in staying] if current else []


def ensure_user(user: dict[str, Any]) -> None:
    try:
        pwd.getpwnam(user["name"])
    except KeyError:
        add_user(user)
    for group in user["groups"]:
        if user["name"] not in grp.getgrnam(group).gr_mem:
            run("usermod", "--append", "--groups", group, user["name"])
    if user["locked"] and not accounts.locked(user["name"]):
        run("usermod", "--lock", user["name"])


def add_user(user: dict[str, Any]) -> None:
    number = ["--uid", str(user["uid"])] if user["uid"] else []
    if user["uid"]:
        run("groupadd", "--gid", str(user["uid"]), user["name"])
        number += ["--gid", user["name"]]
    kind = [] if user["uid"] else ["--system", "--user-group"]
    run(
        "useradd",
        *kind,
        *number,
        "--no-create-home",
        "--home-dir",
        user["home"],
        "--shell",
        "/usr/sbin/nologin",
        user["name"],
    )


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{' '.join(command)}: {done.stderr.strip()}; correct the host's accounts")


__all__ = ["TOP", "stage", "try_now"]
