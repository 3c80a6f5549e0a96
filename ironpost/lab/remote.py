"""Commands on lab hosts over SSH, with the lab's own key and known hosts."""

from __future__ import annotations

import shlex
import socket
import subprocess
import time
from pathlib import Path

from ironpost.lab.state import MACHINE, LabError

PERSIST_SECONDS = 60
RETRY_SECONDS = 0.1


def ssh_command(user: str, address: str, key: Path, known_hosts: Path) -> list[str]:
    """The ssh(1) call without the remote command. Calls to one host share a connection for a minute."""
    options = {
        "IdentityFile": key,
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": known_hosts,
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": 10,
        "ServerAliveInterval": 5,
        "ServerAliveCountMax": 3,
        "LogLevel": "ERROR",
        "ControlMaster": "auto",
        # In /run, since socket names are short (unix(7): 108 bytes).
        "ControlPath": f"{MACHINE}/ssh-{address}-{user}",
        "ControlPersist": PERSIST_SECONDS,
    }
    flags = [f"-o{name}={value}" for name, value in options.items()]
    return ["ssh", "-F", "/dev/null", *flags, f"{user}@{address}"]


def hang_up(command: list[str], user: str, address: str) -> None:
    """Ends the shared connection, so that a host that was replaced is not reached through a dead one."""
    if (MACHINE / f"ssh-{address}-{user}").exists():
        subprocess.run([*command[:-1], "-O", "exit", command[-1]], capture_output=True, timeout=30)
        (MACHINE / f"ssh-{address}-{user}").unlink(missing_ok=True)


PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def as_root(user: str, command: str) -> str:
    """The command for a shell of root, whoever logs in. sshd's own PATH lacks the administrator's programs."""
    line = f"export PATH={PATH}; {command}"
    return line if user == "root" else f"sudo -n sh -c {shlex.quote(line)}"


def wait_for_ssh(where: str, address: str, seconds: float) -> None:
    """Returns once sshd greets. Raises LabError when it does not in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if greets(address):
            return
        time.sleep(RETRY_SECONDS)
    raise LabError(f"{where}: no SSH at {address} after {seconds:.0f} s; its console.log in the lab's state says why")


def greets(address: str) -> bool:
    """Whether an SSH server answers at once."""
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            return connection.recv(16).startswith(b"SSH-2.0")
    except OSError:
        return False
