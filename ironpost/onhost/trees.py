"""Files as they are and as they should be: compared, copied, put in place by one rename each."""

from __future__ import annotations

import grp
import hashlib
import os
import pwd
import shutil
import stat
from pathlib import Path
from typing import Any


def below(tree: Path, path: str) -> Path:
    return tree / path.lstrip("/")


def difference(wanted: dict[str, Any], path: Path) -> str | None:
    """Why the file at `path` is not as wanted; its content is never told."""
    if not os.path.lexists(path):
        return "missing"
    if wanted.get("link"):
        return (
            None if path.is_symlink() and str(path.readlink()) == wanted["link"] else f"not a link to {wanted['link']}"
        )
    if path.is_symlink() or not path.is_file():
        return "not a plain file"
    if hashlib.sha256(path.read_bytes()).hexdigest() != wanted["sha256"]:
        return "secret differs" if wanted["secret"] else "content differs"
    return access_difference(wanted, path)


def access_difference(wanted: dict[str, Any], path: Path) -> str | None:
    status = path.stat()
    mode = stat.S_IMODE(status.st_mode)
    if mode != wanted["mode"]:
        return f"mode is {mode:o}, should be {wanted['mode']:o}"
    owner = f"{user_name(status.st_uid)}:{group_name(status.st_gid)}"
    should = f"{wanted['owner']}:{wanted['group']}"
    return None if owner == should else f"belongs to {owner}, should belong to {should}"


def user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def place(source: Path, target: Path) -> None:
    """Puts a copy of `source`, owner and mode included, at `target` by one rename."""
    make_folders(target.parent)
    partial = target.with_name(f".{target.name}.ironpost")
    partial.unlink(missing_ok=True)
    if source.is_symlink():
        partial.symlink_to(source.readlink())
    else:
        copy_file(source, partial)
    partial.replace(target)


def make_folders(path: Path) -> None:
    """The folder and those above it that are missing, open to all whatever the umask: services look into them."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        folder.chmod(0o755)


def copy_file(source: Path, target: Path) -> None:
    """A durable copy that nobody else can read before it has its final owner and mode."""
    status = source.stat()
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as copy, source.open("rb") as original:
        shutil.copyfileobj(original, copy)
        os.fchown(copy.fileno(), status.st_uid, status.st_gid)
        os.fchmod(copy.fileno(), stat.S_IMODE(status.st_mode))
        copy.flush()
        os.fsync(copy.fileno())


def keep(path: Path, tree: Path) -> bool:
    """Keeps a copy of what stands at `path` below `tree`; False when nothing (or no file) stands there."""
    if not path.is_symlink() and not path.is_file():
        return False
    copy = below(tree, str(path))
    if not os.path.lexists(copy):
        place(path, copy)
    return True


def give_owners(manifest: dict[str, Any], tree: Path) -> None:
    """Owners and modes as the manifest says; folders are like those on the host, or open to all."""
    for folder in sorted(path for path in tree.rglob("*") if path.is_dir() and not path.is_symlink()):
        real = Path("/") / folder.relative_to(tree)
        folder.chmod(stat.S_IMODE(real.stat().st_mode) if real.is_dir() else 0o755)
        if real.is_dir():
            os.chown(folder, real.stat().st_uid, real.stat().st_gid)
    for wanted in manifest["files"]:
        path = below(tree, wanted["path"])
        if not path.is_symlink():
            shutil.chown(path, wanted["owner"], wanted["group"])
            path.chmod(wanted["mode"])


def ensure_folder(wanted: dict[str, Any]) -> None:
    path = Path(wanted["path"])
    path.mkdir(mode=wanted["mode"], parents=True, exist_ok=True)
    shutil.chown(path, wanted["owner"], wanted["group"])
    path.chmod(wanted["mode"])
