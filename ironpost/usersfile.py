"""A users file as a person wrote it: changed in place, with its comments, its order and its mode."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Table

from ironpost.errors import UsersFileError


class UsersFile:
    """The users file of a domain. Nothing is written before `save`, and then all of it or nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read = b""
        try:
            self._read = path.read_bytes()
            self.document = tomlkit.parse(self._read)
        except OSError as error:
            raise UsersFileError(f"{path}: {error.strerror}; create it") from None
        except (TOMLKitError, ValueError) as error:
            raise UsersFileError(f"{path}: is not TOML ({error}); correct it") from None

    def table(self, name: str) -> Table:
        """The settings of an account. Raises UsersFileError when there is none."""
        if name not in self.document:
            known = ", ".join(self.document) or "nobody"
            raise UsersFileError(f"{self.path.name}: there is no account {name}; it holds {known}")
        found = self.document[name]
        if not isinstance(found, Table):
            raise UsersFileError(f"{self.path.name}: {name} is not a table; write [{name}] above its settings")
        return found

    def add(self, name: str, values: dict[str, Any]) -> None:
        """A new account at the end of the file."""
        if name in self.document:
            raise UsersFileError(f"{self.path.name}: the account {name} is there already; use `ironpost user passwd`")
        table = tomlkit.table()
        for key, value in values.items():
            table[key] = value
        if self.document:
            self.document.add(tomlkit.nl())
        self.document[name] = table

    def put(self, name: str, key: str, value: Any) -> None:
        self.table(name)[key] = value

    def remove(self, name: str, key: str) -> None:
        self.table(name).pop(key, None)

    def rows(self, name: str, key: str) -> AoT:
        """The list of tables `[[name.key]]`, empty where there is none."""
        table = self.table(name)
        if key not in table:
            table[key] = tomlkit.aot()
        found = table[key]
        if not isinstance(found, AoT):
            raise UsersFileError(f"{self.path.name}: {key} of {name} is no list of tables; write [[{name}.{key}]]")
        return found

    def save(self, complaints: Callable[[Path], Sequence[str]]) -> None:
        """Beside the file first, then, without complaints about it, in its place in one step.

        Mode and owner stay, and so does a symbolic link to the file.
        """
        place = self.path.resolve()
        if place.read_bytes() != self._read:
            raise UsersFileError(f"{self.path.name}: was changed meanwhile by somebody else; run the command again")
        kept = place.stat()
        handle, partial = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(tomlkit.dumps(self.document).encode())
                stream.flush()
                os.fsync(stream.fileno())
            Path(partial).chmod(stat.S_IMODE(kept.st_mode))
            if os.geteuid() == 0:
                os.chown(partial, kept.st_uid, kept.st_gid)
            if found := complaints(Path(partial)):
                raise UsersFileError("\n".join(found).replace(Path(partial).name, place.name))
            Path(partial).replace(place)
        except BaseException:
            Path(partial).unlink(missing_ok=True)
            raise
