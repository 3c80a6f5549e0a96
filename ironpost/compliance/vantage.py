"""The vantage point of one verification: the place from which hosts are looked at as a stranger does."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ironpost.errors import HostError, UnverifiableError
from ironpost.remote import Shared, shared
from ironpost.settings import VantagePoint


class Vantage:
    """Runs programs there: on another machine over one connection, or on this one."""

    def __init__(self, connection: Shared | None) -> None:
        self._connection = connection

    def run(self, command: str, sent: str = "", seconds: int = 150) -> subprocess.CompletedProcess[str]:
        """A command line, `python3` being its first word. Raises UnverifiableError when there is no way to it."""
        try:
            if self._connection:
                return self._connection.run(command, sent, seconds)
        except HostError as error:
            raise UnverifiableError(str(error)) from None
        own = ["sh", "-c", command.replace("python3", shlex.quote(sys.executable), 1)]
        try:
            return subprocess.run(own, input=sent, capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired:
            raise UnverifiableError(f"the vantage point hangs: no answer within {seconds} s") from None


@contextlib.contextmanager
def vantage_of(points: tuple[VantagePoint, ...], directory: Path) -> Iterator[Vantage | None]:
    """The first of an inventory; None where it names none."""
    if not points:
        yield None
    elif points[0].ssh is None:
        yield Vantage(None)
    else:
        with shared(points[0].ssh, directory) as connection:
            yield Vantage(connection)
