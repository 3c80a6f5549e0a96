"""Commands on mail hosts and vantage points through the OpenSSH client; host keys are verified, never learned."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

from ironpost.errors import HostError
from ironpost.mailhost import MailHost
from ironpost.once import Once
from ironpost.settings import Ssh

CONNECT_SECONDS = 10
UNREACHABLE = 255  # ssh(1), EXIT STATUS: an error of ssh itself, not of the command
SESSIONS = 8  # at once in one connection; sshd_config(5), MaxSessions is 10 unless set
IDLE_SECONDS = 60  # after which a shared connection ends by itself, should nobody have ended it


def ssh_argv(ssh: Ssh, address: str, directory: Path) -> list[str]:
    """The ssh(1) call without the remote command; file names are taken from `directory`, the inventory's folder."""
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "yes",
        "ConnectTimeout": str(CONNECT_SECONDS),
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "3",
        "LogLevel": "ERROR",
    }
    if ssh.known_hosts:
        options["UserKnownHostsFile"] = ssh_path(directory, ssh.known_hosts)
        options["GlobalKnownHostsFile"] = "/dev/null"
    flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    if ssh.key:
        flags += ["-o", "IdentitiesOnly=yes", "-i", str(directory / Path(ssh.key).expanduser())]
    return ["ssh", *flags, "-p", str(ssh.port), f"{ssh.user}@{address}"]


def ssh_path(directory: Path, name: str) -> str:
    """A file name as ssh_config(5) reads it: in quotes, since options split at blanks."""
    return f'"{directory / Path(name).expanduser()}"'


def as_root(user: str, command: str) -> str:
    """A command line for a shell of root, whoever logs in."""
    return command if user == "root" else f"sudo -n sh -c {shlex.quote(command)}"


def run_on(mailhost: MailHost, command: str, stdin: str = "", seconds: int = 60) -> CompletedProcess[str]:
    """Runs a command line as root on a mail host, whatever its exit status. Raises HostError when unreachable."""
    argv = ssh_argv(mailhost.ssh, mailhost.ssh_address, mailhost.file(""))
    return called(mailhost.name, [*argv, as_root(mailhost.ssh.user, command)], stdin, seconds)


def run_at(ssh: Ssh, directory: Path, command: str, stdin: str = "", seconds: int = 60) -> CompletedProcess[str]:
    """Runs a command line at a vantage point, as its login user. Raises HostError when unreachable."""
    if ssh.address is None:
        raise HostError(f"vantage point {ssh.where}: has no address; add address= to its Ssh(…)")
    return called(ssh.address, [*ssh_argv(ssh, ssh.address, directory), command], stdin, seconds)


class Shared:
    """One connection to a machine in which all commands of a run go (ssh_config(5), ControlMaster)."""

    def __init__(self, ssh: Ssh, directory: Path, socket: Path) -> None:
        if ssh.address is None:
            raise HostError(f"vantage point {ssh.where}: has no address; add address= to its Ssh(…)")
        self.address = ssh.address
        first, *rest = ssh_argv(ssh, ssh.address, directory)
        self._argv = [first, "-o", f"ControlPath={socket}", *rest]
        self._opened: Once[None] = Once()
        self._turns = threading.BoundedSemaphore(SESSIONS)

    def run(self, command: str, stdin: str = "", seconds: int = 60) -> CompletedProcess[str]:
        """Runs a command line as the login user. Raises HostError when the machine cannot be reached."""
        self._opened("", self._open)
        with self._turns:
            return called(self.address, [*self._argv, command], stdin, seconds)

    def close(self) -> None:
        subprocess.run([*self._argv, "-O", "exit"], capture_output=True, timeout=CONNECT_SECONDS, check=False)

    def _open(self) -> None:
        options = ["-o", "ControlMaster=yes", "-o", f"ControlPersist={IDLE_SECONDS}"]
        called(self.address, [self._argv[0], *options, *self._argv[1:], "true"], "", 2 * CONNECT_SECONDS)


@contextlib.contextmanager
def shared(ssh: Ssh, directory: Path) -> Iterator[Shared]:
    """A connection that is made when the first command needs it, and ends with the block."""
    with tempfile.TemporaryDirectory(prefix="ironpost") as folder:
        connection = Shared(ssh, directory, Path(folder) / "ssh")
        try:
            yield connection
        finally:
            connection.close()


def called(where: str, argv: list[str], stdin: str, seconds: int) -> CompletedProcess[str]:
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise HostError(f"{where}: no answer within {seconds} s over SSH; see whether the host is up") from None
    except OSError as error:
        raise HostError(f"ssh: {error.strerror}; install the OpenSSH client on this controller") from None
    if done.returncode == UNREACHABLE:
        said = " ".join(done.stderr.split()) or "ssh exits 255 without a word"
        raise HostError(f"{where}: cannot be reached over SSH ({said}); see that it is up, and check ssh= of it")
    return done
