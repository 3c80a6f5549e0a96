"""A generation is tried before it is put in place: the programs' own checkers read it as if it stood there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from . import trees
from .state import Refused

CHECK_SECONDS = 120
AT_ONCE = 2  # components: more would only wait for the processor of a small host


def try_staged(program: Path, stage: Path) -> None:
    """Runs the checks in a mount namespace of their own, which ends with them. Raises Refused with all complaints."""
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-B", str(program), "try", str(stage)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(done.stderr.strip() or f"the checks exit {done.returncode}; run them by hand")


def check_in_place(manifest: dict[str, Any], tree: Path, removed: list[str]) -> list[str]:
    """Only inside that namespace: lays the staged files over the folders they belong to, and runs each check."""
    with tempfile.TemporaryDirectory(dir=tree.parent) as work:
        for number, folder in enumerate(folders_of(manifest)):
            lay_over(folder, Path(work) / str(number), tree)
        for path in removed:
            Path(path).unlink(missing_ok=True)
        complaints = complaints_of(manifest["checks"])
        subprocess.run(["umount", *reversed(folders_of(manifest))], check=False)
    return complaints


def folders_of(manifest: dict[str, Any]) -> list[str]:
    """/etc as a whole, because its files name each other; elsewhere the folder that a file lies in."""
    paths = [file["path"] for file in manifest["files"]]
    folders = {"/etc" if path.startswith("/etc/") else str(Path(path).parent) for path in paths}
    return sorted(folder for folder in folders if not any(folder.startswith(other + "/") for other in folders))


def lay_over(folder: str, copy: Path, tree: Path) -> None:
    """A copy of the folder with the staged files on top, mounted where the folder is."""
    real = Path(folder)
    trees.make_folders(real)
    subprocess.run(["cp", "-a", f"{folder}/.", str(copy)], check=True)
    shutil.copystat(real, copy)
    staged = trees.below(tree, folder)
    if staged.is_dir():
        subprocess.run(["cp", "-a", "--remove-destination", f"{staged}/.", str(copy)], check=True)
    subprocess.run(["mount", "--bind", str(copy), folder], check=True)


def complaints_of(checks: list[dict[str, Any]]) -> list[str]:
    """All complaints, in the checks' order. Components are tried side by side: two of them take most of the time."""
    os.umask(0o022)  # as services have it, not as the private folder of a staged tree needs it
    components = dict.fromkeys(check["component"] for check in checks)
    parts = [[check for check in checks if check["component"] == name] for name in components]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return [complaint for told in pool.map(complaints_in_turn, parts) for complaint in told]


def complaints_in_turn(checks: list[dict[str, Any]]) -> list[str]:
    return [complaint for check in checks for complaint in complaint_of(check)]


def complaint_of(check: dict[str, Any]) -> list[str]:
    """What a checker says against the staged files; a silent one must say nothing at all."""
    command = ["sh", "-c", check["command"]]
    if check["user"] != "root":
        command = ["runuser", "-u", check["user"], "--", *command]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=CHECK_SECONDS)
    except subprocess.TimeoutExpired:
        return [f"{check['component']}: `{check['command']}` did not end within {CHECK_SECONDS} s"]
    said = done.stderr.strip() or done.stdout.strip()
    if done.returncode == 0 and not (check["silent"] and done.stderr.strip()):
        return []
    return [f"{check['component']}: `{shortened(check['command'])}` says: {said or f'exit {done.returncode}'}"]


def shortened(command: str) -> str:
    line = " ".join(command.split())
    return line if len(line) <= 90 else line[:87] + "..."
