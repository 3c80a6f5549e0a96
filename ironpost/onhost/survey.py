"""How the host differs from a manifest. Reads only, and never prints a content."""

from __future__ import annotations

import grp
import pwd
import subprocess
from pathlib import Path
from typing import Any

from . import accounts, kernel, rules, signing, tlskeys, trees, units
from .state import manifest_of, read_state


def survey(manifest: dict[str, Any]) -> dict[str, Any]:
    """The state of the host and each difference as {kind, name, why}."""
    state = read_state()
    differences = packages(manifest) + users(manifest) + folders(manifest) + files(manifest)
    differences += stale(manifest, state["current"]) + dkim(manifest) + tls(manifest) + services(manifest)
    differences += found("rules", "nftables", rules.difference())
    differences += found("setting", "kernel", kernel.difference())
    return {"state": state, "differences": differences, "log": last_line()}


def found(kind: str, name: str, why: str | None) -> list[dict[str, str]]:
    return [{"kind": kind, "name": name, "why": why}] if why else []


def packages(manifest: dict[str, Any]) -> list[dict[str, str]]:
    text = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n", *manifest["packages"]],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    installed = {line.split()[0] for line in text.splitlines() if line.split()[1:] == ["ii"]}
    return [
        {"kind": "package", "name": name, "why": "missing"} for name in manifest["packages"] if name not in installed
    ]


def users(manifest: dict[str, Any]) -> list[dict[str, str]]:
    rows = []
    for user in manifest["users"]:
        try:
            pwd.getpwnam(user["name"])
        except KeyError:
            rows += found("user", user["name"], "missing")
        if user["locked"] and not accounts.locked(user["name"]):
            rows += found("user", user["name"], "a password opens it")
        rows += [row for group in user["groups"] for row in found("user", user["name"], not_in(user["name"], group))]
    return rows


def not_in(user: str, group: str) -> str | None:
    try:
        members = grp.getgrnam(group).gr_mem
    except KeyError:
        members = []
    return None if user in members else f"not in group {group}"


def folders(manifest: dict[str, Any]) -> list[dict[str, str]]:
    rows = []
    for wanted in manifest["directories"]:
        path = Path(wanted["path"])
        rows += found("folder", wanted["path"], trees.access_difference(wanted, path) if path.is_dir() else "missing")
    return rows


def files(manifest: dict[str, Any]) -> list[dict[str, str]]:
    return [
        row
        for wanted in manifest["files"]
        for row in found("file", wanted["path"], trees.difference(wanted, Path(wanted["path"])))
    ]


def stale(manifest: dict[str, Any], current: int) -> list[dict[str, str]]:
    """Files that an earlier generation put there and that no component has any more."""
    wanted = {file["path"] for file in manifest["files"]}
    earlier = [file["path"] for file in manifest_of(current)["files"]] if current else []
    return [{"kind": "file", "name": path, "why": "no longer needed"} for path in earlier if path not in wanted]


def dkim(manifest: dict[str, Any]) -> list[dict[str, str]]:
    return [
        row
        for signer in manifest.get("signers", [])
        for what, why in signing.differences(signer)
        for row in found("key", what, why)
    ]


def tls(manifest: dict[str, Any]) -> list[dict[str, str]]:
    rows = [row for wanted in manifest["tls_keys"] for row in tlskeys.difference(wanted)]
    return [{"kind": "key", "name": path, "why": why} for path, why in rows]


def services(manifest: dict[str, Any]) -> list[dict[str, str]]:
    states = units.states([unit["name"] for unit in manifest["units"]])
    return [
        row
        for unit in manifest["units"]
        for row in found("unit", unit["name"], units.difference(unit, states.get(unit["name"], {})))
    ]


def last_line() -> str:
    from .state import LOG

    lines = LOG.read_text().splitlines() if LOG.exists() else []
    return lines[-1] if lines else ""


def show(paths: list[str]) -> dict[str, str]:
    """The text of files that hold no secret, for a diff on the controller."""
    return {path: Path(path).read_text(errors="replace") for path in paths if Path(path).is_file()}
