"""What a mail host would get, as text files for people to review: one folder per host, no secret in any of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from ironpost.component import Component, HostFile
from ironpost.components import components_of
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.secret import Secret

FOLDER = Path(__file__).parent
WHOLE = read_inventory(FOLDER / "inventory.py").mailhosts
# Hosts that divide their roles: of them only what differs by role is kept.
DIVIDED = read_inventory(FOLDER / "divided.py").mailhosts
MAILHOSTS = (*WHOLE, *DIVIDED)
BY_ROLE = ("components.txt", "etc/postfix/", "etc/dovecot/", "etc/nftables.conf", "etc/rspamd/rspamd.conf.override")
BY_ROLE += ("etc/ironpost/counts.json", "etc/systemd/system/ironpost-counts.service")


def golden_tree(mailhost: MailHost) -> dict[str, str]:
    """Text by path below the host's folder: its files, and `components.txt` with all that is not a file."""
    components = components_of(mailhost)
    tree = {file.path.lstrip("/"): text_of(file) for component in components for file in component.files}
    tree |= {"components.txt": "\n".join(described(component) for component in components)}
    return {name: text for name, text in tree.items() if mailhost in WHOLE or name.startswith(BY_ROLE)}


def text_of(file: HostFile) -> str:
    if file.link:
        return f"symbolic link to {file.link}\n"
    if isinstance(file.content, Secret):
        return f"{file.content.before}secret, read on the controller when it is sent\n"
    if file.is_secret:
        return f"secret ({len(file.content.encode())} bytes of text)\n"
    return file.content


def described(component: Component) -> str:
    """One component without the text of its files, one thing a line."""
    lines = [f"[{component.name}]"]
    lines += [f"package {package}" for package in component.packages]
    lines += [f"user {user.name} uid={user.uid} groups={','.join(user.groups)}" for user in component.users]
    lines += [f"directory {d.path} {d.mode:04o} {d.owner}:{d.group}" for d in component.directories]
    lines += [f"file {file.path} {file.mode:04o} {file.owner}:{file.group}" for file in component.files]
    lines += [f"signer {each.domain} label={each.label} {each.rsa} {each.ed25519}" for each in component.signers]
    for unit in component.units:
        lines.append(f"unit {unit.name} {unit.state} reload={unit.reload_on} restart={unit.restart_on}")
    for port in component.ports:
        limits = f"per_minute={port.per_minute} parallel={port.parallel} sources={port.sources}"
        lines.append(f"port {port.number}/{port.protocol} {limits}: {port.reason}")
    lines += [f"early {early.user}, after {early.package}: {early.command}" for early in component.early]
    lines += [f"check {check.user} silent={check.silent}: {check.command}" for check in component.checks]
    lines += [f"probe {probe}" for probe in component.probes]
    return "\n".join(lines) + "\n"


def read_golden(mailhost: MailHost) -> dict[str, str]:
    """The reviewed files of one host."""
    root = FOLDER / mailhost.name
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def write_golden(mailhost: MailHost) -> None:
    """Replaces the folder of one host; `git diff` then shows what changed."""
    root = FOLDER / mailhost.name
    shutil.rmtree(root, ignore_errors=True)
    for name, text in golden_tree(mailhost).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
