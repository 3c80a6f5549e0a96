"""Earlier generations: what each of them changed, and the way back to one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from . import stage
from .state import GENERATIONS, TOP, Refused, manifest_of, read_state, write_durably


def generations() -> list[dict[str, Any]]:
    """Those that are kept, oldest first: {number, current, meta, files: {path: added|changed|removed}, packages}."""
    current = read_state()["current"]
    rows: list[dict[str, Any]] = []
    before: dict[str, Any] = {"files": [], "packages": []}
    for number in kept(current):
        manifest = manifest_of(number)
        rows.append(
            {
                "number": number,
                "current": number == current,
                "meta": manifest.get("meta", {}),
                "files": changes(before, manifest) if number - 1 in kept(current) or number == 1 else None,
                "packages": sorted(set(manifest["packages"]) - set(before["packages"])),
            }
        )
        before = manifest
    return rows


def kept(current: int) -> list[int]:
    """What lies above the current one was undone."""
    if not GENERATIONS.is_dir():
        return []
    numbers = sorted(int(path.name) for path in GENERATIONS.iterdir() if path.name.isdigit())
    return [number for number in numbers if 0 < number <= current]


def changes(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    old = {file["path"]: file for file in before["files"]}
    new = {file["path"]: file for file in after["files"]}
    found = {path: "added" for path in new if path not in old}
    found |= {path: "changed" for path in new if path in old and new[path] != old[path]}
    return dict(sorted((found | {path: "removed" for path in old if path not in new}).items()))


def stage_again(wanted: int | None, who: str, program: Path) -> int:
    """Stages an earlier generation (the one before, unless told) as the next one; it is checked like any other."""
    state = read_state()
    numbers = [number for number in kept(state["current"]) if number != state["current"]]
    number = wanted if wanted is not None else max(numbers, default=0)
    if number not in numbers:
        there = ", ".join(map(str, numbers)) or "none"
        raise Refused(f"generation {number} is not kept here; there are: {there}")
    incoming = TOP / "again"
    shutil.rmtree(incoming, ignore_errors=True)
    shutil.copytree(GENERATIONS / str(number), incoming, symlinks=True)
    manifest = manifest_of(number)
    manifest["meta"] = manifest.get("meta", {}) | {"who": who, "back_to": number}
    write_durably(incoming / "manifest.json", json.dumps(manifest))
    stage.stage(incoming, program)
    return number
