"""What differs from the last deploy: the files of the generation in force, by content, owner and mode."""

from __future__ import annotations

import grp
import hashlib
import json
import pwd
import stat
from pathlib import Path
from typing import Any

STATE = Path("/var/lib/ironpost")


def parts() -> dict[str, Any]:
    """`changed`: path and what differs, never the content. Paths of links are compared by their target."""
    try:
        state = json.loads((STATE / "state.json").read_text())
        number = state["current"]
        manifest = json.loads((STATE / "generations" / str(number) / "manifest.json").read_text())
    except (OSError, ValueError, KeyError) as error:
        return {"drift": {"error": f"what was deployed cannot be read ({type(error).__name__}: {error})"}}
    files = manifest["files"]
    changed = [f"{row['path']}: {what}" for row in files for what in differences(row, Path(row["path"]))]
    return {"drift": {"phase": state["phase"], "generation": number, "files": len(files), "changed": changed}}


def differences(wanted: dict[str, Any], path: Path) -> list[str]:
    if wanted.get("link"):
        same = path.is_symlink() and str(path.readlink()) == wanted["link"]
        return [] if same else [f"is no link to {wanted['link']}"]
    try:
        found, content = path.lstat(), path.read_bytes()
    except OSError:
        return ["is missing"]
    told = ["has another content"] * (hashlib.sha256(content).hexdigest() != wanted["sha256"])
    told += [f"has the mode {stat.S_IMODE(found.st_mode):o}"] * (stat.S_IMODE(found.st_mode) != wanted["mode"])
    owner = f"{name_of(pwd.getpwuid, found.st_uid)}:{name_of(grp.getgrgid, found.st_gid)}"
    return told + [f"belongs to {owner}"] * (owner != f"{wanted['owner']}:{wanted['group']}")


def name_of(look: Any, number: int) -> str:
    try:
        return str(look(number)[0])
    except KeyError:
        return str(number)
