"""Files that a lab host gets before it boots."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LabFile:
    """One file at an absolute path on the host. `owner` is "user:group" by name, as the host's image knows them."""

    path: str
    content: str | bytes
    mode: int = 0o644
    owner: str = "root:root"


@dataclass(frozen=True)
class LabTree:
    """What makes a bare image into one host: files, users, units that start at boot, and what runs first."""

    files: tuple[LabFile, ...] = ()
    users: tuple[str, ...] = ()  # plain users to create (shell /bin/bash, no password)
    units: tuple[str, ...] = ()  # enabled at boot; every service of the image is disabled otherwise
    first_boot: tuple[str, ...] = ()  # shell lines, run as root before those units, once

    def __add__(self, other: LabTree) -> LabTree:
        """Both on one host."""
        return LabTree(
            self.files + other.files,
            self.users + other.users,
            self.units + other.units,
            self.first_boot + other.first_boot,
        )
