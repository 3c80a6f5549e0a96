"""Looks at a mail host from inside: one command over SSH, through testinfra."""

from __future__ import annotations

import base64
import gzip
import json
import shlex
import tempfile
from pathlib import Path

import testinfra

from ironpost.compliance.bundle import BOOTSTRAP, bundle
from ironpost.errors import UnverifiableError
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

UNREACHABLE = 255  # ssh(1), EXIT STATUS
CONNECT_SECONDS = 10


def snapshot(mailhost: MailHost) -> Snapshot:
    """Everything at once. Raises UnverifiableError when the host cannot be looked at."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "ssh_config"
        config.write_text(ssh_config(mailhost))
        # testinfra asks for a host name alone; where to and as whom stands in the configuration
        host = testinfra.get_host(
            f"ssh://{mailhost.name}", ssh_config=str(config), sudo=mailhost.ssh.user != "root", controlpersist=0
        )
        done = host.run(command())
    if done.rc == UNREACHABLE:
        said = " ".join(str(done.stderr).split()) or "ssh exits 255 without a word"
        raise UnverifiableError(f"{mailhost.name}: cannot be reached over SSH ({said}); see that it is up")
    try:
        return Snapshot(json.loads(done.stdout))
    except ValueError:
        said = " ".join(str(done.stderr).split())[-300:] or f"exits {done.rc}"
        raise UnverifiableError(f"{mailhost.name}: cannot be looked at ({said}); it needs python3 and root") from None


def command() -> str:
    """The program in the command itself: nothing is left on the host."""
    packed = base64.b64encode(gzip.compress(bundle("snap", "whole", {}).encode())).decode()
    return f"echo {packed} | base64 -d | gunzip | python3 -B -c {shlex.quote(BOOTSTRAP)}"


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
