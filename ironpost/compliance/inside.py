"""Looks at a mail host from inside: one command over SSH, through testinfra."""

from __future__ import annotations

import base64
import gzip
import json
import re
import shlex
import subprocess
import tempfile
from pathlib import Path

from testinfra.backend.base import CommandResult
from testinfra.backend.ssh import SshBackend
from testinfra.host import Host

from ironpost.compliance.bundle import BOOTSTRAP, bundle
from ironpost.errors import UnverifiableError
from ironpost.evidence.snapshot import SCHEMA, Snapshot
from ironpost.mailhost import MailHost

UNREACHABLE = 255  # ssh(1), EXIT STATUS
CONNECT_SECONDS = 10
SECONDS = 120  # for everything; the program's own commands give up after 30

# What ssh and sudo say → what that means for an operator.
MEANINGS = (
    (
        r"HOST IDENTIFICATION HAS CHANGED|Host key verification failed|No \S+ host key is known",
        "its host key is not the one that is known; if the host was set up anew put its key into known_hosts, "
        "else somebody stands in between",
    ),
    (r"Permission denied \(", "the login is refused; check user and key in ssh= of it"),
    (
        r"sudo: |is not in the sudoers file|not allowed to (?:run|execute)",
        "sudo does not work without a password; allow it for this login",
    ),
    (r"python3: (?:command )?not found", "there is no python3 on it; run the deploy, which installs it"),
    (r"No space left on device", "its disk is full; make room"),
)


class Bounded(SshBackend):  # type: ignore[misc]
    """testinfra's own way over ssh, which must end: a host that hangs is told, and the others are not kept waiting."""

    def run_local(self, command: str, *args: str) -> CommandResult:
        quoted = self.quote(command, *args)
        words = shlex.split(quoted)  # without a shell in between there is one process to end
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
        return self.result(done.returncode, quoted.encode(), done.stdout, done.stderr)


def snapshot(mailhost: MailHost) -> Snapshot:
    """Everything at once. Raises UnverifiableError when the host cannot be looked at."""
    try:
        done = visited(mailhost)
    except subprocess.TimeoutExpired:
        raise UnverifiableError(f"{mailhost.name}: hangs: no answer within {SECONDS} s; see what it is doing") from None
    said = " ".join(done.stderr_bytes.decode("utf-8", "replace").split())[-300:]
    if done.rc == UNREACHABLE:
        raise UnverifiableError(unreachable(mailhost, said or "ssh exits 255 without a word"))
    found = read(done.stdout_bytes)
    if found is None:
        why = meaning(said) or f"it needs python3 and root; it said: {said or f'exits {done.rc}'}"
        raise UnverifiableError(f"{mailhost.name}: cannot be looked at: {why}")
    if found.get("release") != mailhost.release:
        other = found.get("release") or "another system"
        raise UnverifiableError(f"{mailhost.name}: runs {other}, not {mailhost.release}; correct release= of it")
    return Snapshot(found)


def visited(mailhost: MailHost) -> CommandResult:
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "ssh_config"
        config.write_text(ssh_config(mailhost))
        # testinfra asks for a host name alone; where to and as whom stands in the configuration
        backend = Bounded(
            mailhost.name, ssh_config=str(config), sudo=mailhost.ssh.user != "root", controlpersist=0, timeout=10
        )
        try:
            return Host(backend).run(command())
        except RuntimeError as error:  # testinfra raises what ssh said when ssh itself failed
            if error.args and isinstance(error.args[0], CommandResult):
                return error.args[0]
            raise


def read(printed: bytes) -> dict[str, object] | None:
    """The snapshot in what the host printed: its last line, below what a login shell may say. None unless whole."""
    lines = printed.decode("utf-8", "replace").strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError):
        return None
    whole = isinstance(found, dict) and found.get("schema") == SCHEMA and found.get("end") is True
    return found if whole else None


def unreachable(mailhost: MailHost, said: str) -> str:
    why = meaning(said)
    told = why or f"{said}; see that it is up"
    return f"{mailhost.name}: cannot be reached over SSH: {told}"


def meaning(said: str) -> str:
    return next((told for pattern, told in MEANINGS if re.search(pattern, said)), "")


def command() -> str:
    """The program in the command itself: nothing is left on the host."""
    packed = base64.b64encode(gzip.compress(bundle("snap", "whole", {}).encode())).decode()
    return f"echo {packed} | base64 -d | gunzip | timeout {SECONDS - 10} python3 -B -c {shlex.quote(BOOTSTRAP)}"


def ssh_config(mailhost: MailHost) -> str:
    """ssh_config(5) with the inventory's words; host keys are verified, never learned."""
    ssh = mailhost.ssh
    lines = [
        f"Host {mailhost.name}",
        f"HostName {mailhost.ssh_address}",
        f"User {ssh.user}",
        f"Port {ssh.port}",
        "BatchMode yes",
        "StrictHostKeyChecking yes",
        f"ConnectTimeout {CONNECT_SECONDS}",
        "ServerAliveInterval 5",
        "ServerAliveCountMax 3",
        "LogLevel ERROR",
    ]
    if ssh.known_hosts:
        lines += [f"UserKnownHostsFile {quoted(mailhost, ssh.known_hosts)}", "GlobalKnownHostsFile /dev/null"]
    if ssh.key:
        lines += [f"IdentityFile {quoted(mailhost, ssh.key)}", "IdentitiesOnly yes"]
    return "\n".join(lines) + "\n"


def quoted(mailhost: MailHost, name: str) -> str:
    """A file name as ssh_config(5) reads it: in quotes, since options split at blanks."""
    return f'"{mailhost.file(name)}"'
