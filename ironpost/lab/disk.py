"""A host's root file system: a shared read-only tree below, the host's own changes above (overlayfs).

The upper layer is a tmpfs, except for mail hosts: theirs grows to some hundred megabytes and lies on disk. Either
stays mounted while its host is off, so what was written survives a killed host as it would on a real disk.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ironpost.lab.state import LabError
from ironpost.lab.tree import LabFile, LabTree

FIRST_BOOT_SCRIPT = "/usr/local/sbin/lab-first-boot"
FIRST_BOOT_DONE = "/var/lib/lab-first-boot"


@dataclass(frozen=True)
class Disk:
    """The root of one host, under `directory`, on top of the tree `lower`; of a clone, with what its source wrote."""

    directory: Path
    lower: Path
    durable: bool
    source: Path | None = None

    @property
    def root(self) -> Path:
        return self.directory / "root"

    @property
    def layer(self) -> Path:
        return self.directory / "layer"

    @property
    def prepared(self) -> Path:
        """Names the tree below once the host's files are written; inside the layer, so that it goes with it."""
        return self.layer / "prepared"

    @property
    def layers_below(self) -> str:
        """As overlayfs takes them, the uppermost first."""
        return ":".join(str(each) for each in (self.source, self.lower) if each)

    def is_prepared(self) -> bool:
        return self.prepared.exists()

    def set_prepared(self) -> None:
        self.prepared.write_text(self.layers_below)

    def mount(self) -> None:
        """Mounts what is not mounted. A layer that is half-prepared, or of another tree, is wiped first."""
        if os.path.ismount(self.root) and self.is_prepared():
            return
        if not self.is_prepared() or self.prepared.read_text() != self.layers_below:
            self.wipe()
        self.root.mkdir(parents=True, exist_ok=True)
        self.layer.mkdir(exist_ok=True)
        if not self.durable and not os.path.ismount(self.layer):
            _must("mount", "-t", "tmpfs", "-o", "mode=755", "ironpost-lab", str(self.layer))
        (self.layer / "upper").mkdir(mode=0o755, exist_ok=True)
        (self.layer / "work").mkdir(exist_ok=True)
        layers = f"lowerdir={self.layers_below},upperdir={self.layer}/upper,workdir={self.layer}/work"
        _must("mount", "-t", "overlay", "-o", layers, "ironpost-lab", str(self.root))

    def unmount(self) -> None:
        """Also lazily, where a process that was killed has not yet let go."""
        for place in (self.root, self.layer):
            if os.path.ismount(place):
                subprocess.run(["umount", "-l", str(place)], capture_output=True, timeout=60)

    def wipe(self) -> None:
        """Back to the bare tree."""
        self.unmount()
        shutil.rmtree(self.layer, ignore_errors=True)


def write_tree(root: Path, tree: LabTree) -> None:
    """Puts users, files, units and the first-boot script into a mounted root."""
    for user in tree.users:
        _add_user(root, user)
    for file in tree.files:
        _write_file(root, file)
    if tree.first_boot:
        _write_file(root, _first_boot_unit(tree))
        script = "\n".join(("set -eu", *tree.first_boot)) + "\n"
        _write_file(root, LabFile(FIRST_BOOT_SCRIPT, script, 0o755))
    units = (*tree.units, *(("lab-first-boot.service",) if tree.first_boot else ()))
    if units:
        _must("chroot", str(root), "systemctl", "enable", *units)


def _first_boot_unit(tree: LabTree) -> LabFile:
    content = f"""[Unit]
Description=What this lab host runs once, before its services
ConditionPathExists=!{FIRST_BOOT_DONE}
Before={" ".join(tree.units)}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {FIRST_BOOT_SCRIPT}
ExecStartPost=/bin/touch {FIRST_BOOT_DONE}

[Install]
WantedBy=multi-user.target
"""
    return LabFile("/etc/systemd/system/lab-first-boot.service", content)


def _add_user(root: Path, user: str) -> None:
    """Some names ("operator") are groups of Debian's already; the user joins that group."""
    group = ["--gid", user] if user in _ids(root, "group") else []
    _must("chroot", str(root), "useradd", "--create-home", "--shell", "/bin/bash", *group, user)


def _write_file(root: Path, file: LabFile) -> None:
    """Replaces a link rather than following it: an absolute one would lead out of the root."""
    target = root / file.path.lstrip("/")
    owner, _, group = file.owner.partition(":")
    uid, gid = _ids(root, "passwd")[owner], _ids(root, "group")[group or owner]
    for folder in reversed(target.parents):
        if folder.is_relative_to(root) and not folder.exists():
            folder.mkdir(mode=0o755)
            os.chown(folder, uid, gid)
    if target.is_symlink():
        target.unlink()
    target.write_bytes(file.content if isinstance(file.content, bytes) else file.content.encode())
    os.chown(target, uid, gid)
    target.chmod(file.mode)


def _ids(root: Path, table: str) -> dict[str, int]:
    """Names and numbers as the host knows them: passwd(5) and group(5) of its own tree."""
    rows = (line.split(":") for line in (root / "etc" / table).read_text().splitlines())
    return {row[0]: int(row[2]) for row in rows}


def _must(*command: str) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    if ran.returncode != 0:
        said = ran.stderr.strip()
        raise LabError(f"lab: {' '.join(command)}: {said}; run ironpost lab down, then up again")
