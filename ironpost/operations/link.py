"""Commands on the host of the running deploy, whose output is ours to show or to keep."""

from __future__ import annotations

import contextlib
import dataclasses
import socket
from typing import Any

from pyinfra.api.command import StringCommand
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.host import Host

from ironpost.errors import HostError

# What sshd gives to a command on Debian lacks the folders of the administrator's programs, for root too.
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH\n"
SUDO = ("_sudo", "_sudo_user", "_su_user", "_doas")


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command said; lines without their ends."""

    succeeded: bool
    stdout: tuple[str, ...]
    stderr: tuple[str, ...]

    def or_refuse(self) -> Answer:
        """Itself, or HostError with what the command said on standard error."""
        if not self.succeeded:
            said = "\n".join(self.stderr or self.stdout).strip()
            raise HostError(said or "a command failed without a word; look at the host's journal")
        return self


def call(host: Host, script: str, *words: str, stdin: str = "", seconds: int = 120) -> Answer:
    """Runs a shell script as root. Secrets belong into `stdin`, which no output of pyinfra ever shows."""
    hurry(host)
    command = StringCommand("sh", "-c", quoted(PATH + script), "ironpost", *(quoted(word) for word in words))
    arguments: dict[str, Any] = {key: host.data.get(key) for key in SUDO if host.data.get(key)}
    try:
        succeeded, output = host.run_shell_command(command, _stdin=stdin or None, _timeout=seconds, **arguments)
    except (OSError, PyinfraError, EOFError) as error:
        raise HostError(f"the connection was lost ({type(error).__name__}); run again") from None
    return Answer(succeeded, tuple(output.stdout_lines), tuple(output.stderr_lines))


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\"'\"'") + "'"


def hurry(host: Host) -> None:
    """Sets TCP_NODELAY, which paramiko leaves off: it costs 40 ms for each command."""
    client = getattr(host.connector, "client", None)
    transport = client.get_transport() if client is not None else None
    if transport is not None:
        with contextlib.suppress(OSError):
            transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
