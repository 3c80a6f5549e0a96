"""Secrets: where they come from, never what they are."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler
from pydantic_core import core_schema

from ironpost.errors import SecretError

PLACEHOLDERS = re.compile(
    r"(change[-_ ]?(me|this)|replace[-_ ]?(me|this)|password|secret|placeholder|xxx+|\.\.\.|<[^>]*>|todo)",
    re.I,
)
# What no program takes for a quote, a comment, a variable or a separator.
WORD = re.compile(r"[A-Za-z0-9!*+./@^_~-]+")
COMMAND_SECONDS = 60


@dataclasses.dataclass(frozen=True, repr=False)
class Secret:
    """A value that is read on the controller when it is used, and that no output ever shows.

    Make one with `Secret.env`, `Secret.file` or `Secret.command`. Printing, pickling or formatting shows the source.
    """

    kind: Literal["env", "file", "command"]
    source: tuple[str, ...]
    before: str = ""  # what stands before it where it is written, for a file that holds more than the secret
    word: bool = False  # it must be a word of WORD, for files whose readers know no quoting

    @classmethod
    def env(cls, name: str) -> Secret:
        """The environment variable `name` of the controller."""
        return cls("env", (name,))

    @classmethod
    def file(cls, path: str | Path) -> Secret:
        """A file of the controller, mode 600 or 400 and owned by the user who runs the tool (or root)."""
        return cls("file", (str(path),))

    @classmethod
    def command(cls, argv: list[str] | tuple[str, ...]) -> Secret:
        """What a program of the controller prints (pass, sops, age); no shell is involved."""
        return cls("command", tuple(argv))

    def __repr__(self) -> str:
        return f"Secret.{self.kind}({' '.join(self.source)})"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return format(repr(self), format_spec)

    def to_json(self) -> str:
        return repr(self)

    def relative_to(self, directory: Path) -> Secret:
        """The same secret, a relative file name being taken from `directory`."""
        if self.kind != "file":
            return self
        return dataclasses.replace(self, source=(str(directory / Path(self.source[0]).expanduser()),))

    def read(self) -> str:
        """The secret itself; one closing newline is not part of it. Raises SecretError, which never quotes it."""
        value = {"env": self._from_env, "file": self._from_file, "command": self._from_command}[self.kind]()
        value = value.removesuffix("\n")
        if not value.strip():
            raise SecretError(f"{self!r}: is empty; put the secret there")
        if PLACEHOLDERS.fullmatch(value.strip()):
            raise SecretError(f"{self!r}: holds a placeholder; put the real secret there")
        if self.word and not WORD.fullmatch(value):
            raise SecretError(f"{self!r}: holds other characters than letters, digits and !*+./@^_~-; choose another")
        return self.before + value

    def after(self, text: str) -> Secret:
        """The same secret with a text before it, as a line of a configuration file has it."""
        return dataclasses.replace(self, before=text)

    def as_word(self) -> Secret:
        """The same secret, refused where it holds a character that configuration files give a meaning."""
        return dataclasses.replace(self, word=True)

    def complaint(self) -> str | None:
        """What is wrong with the source, as far as can be told without running a program."""
        if self.kind == "command":
            found = self.source and shutil.which(self.source[0])
            return None if found else f"{self!r}: the program is not installed on this controller; install it"
        try:
            self.read()
        except SecretError as error:
            return str(error)
        return None

    def _from_env(self) -> str:
        if self.source[0] not in os.environ:
            raise SecretError(f"{self!r}: the environment variable is not set; export it before running")
        return os.environ[self.source[0]]

    def _from_file(self) -> str:
        path = Path(self.source[0])
        try:
            status = path.stat()
            content = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "is not text"
            raise SecretError(f"{self!r}: {reason}; name a readable file") from None
        if stat.S_IMODE(status.st_mode) & 0o077:
            mode = stat.S_IMODE(status.st_mode)
            raise SecretError(f"{self!r}: mode {mode:o} lets others read it; chmod 600 it")
        if status.st_uid not in (0, os.geteuid()):
            raise SecretError(f"{self!r}: belongs to user id {status.st_uid}; it must be yours or root's")
        return content

    def _from_command(self) -> str:
        try:
            done = subprocess.run(
                self.source,
                capture_output=True,
                text=True,
                timeout=COMMAND_SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SecretError(f"{self!r}: {type(error).__name__}; run it by hand to see why") from None
        if done.returncode:
            raise SecretError(f"{self!r}: exits {done.returncode}; run it by hand to see why")
        return done.stdout

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.is_instance_schema(cls, serialization=core_schema.plain_serializer_function_ser_schema(repr))
