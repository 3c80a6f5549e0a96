"""What hosts and name servers say against an inventory: told in a sentence, with nothing changed anywhere."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ironpost.cli import Exit, main
from ironpost.lab import Lab
from tests.lab.deployment import run_command
from tests.lab.inventories import variant

HOSTS = ("mx1", "mx2")
NAMES = ("mx1.example.org: ", "mx2.example.com: ")
SSH = "known_hosts=str(_lab.known_hosts))"
UPDATES = "primary=_lab.name_servers[0]"
PLAIN = "plain"  # a user whom sudo does not know
KEYS = f"/etc/ssh/ironpost_keys/{PLAIN}"  # the one place where sshd looks, because the inventory names its keys

Change = tuple[str, str]
# `ironpost plan`: what is changed in the lab's inventory, the exit status, and what is told of both hosts.
PREFLIGHT: list[tuple[Change, Exit, str]] = [
    (("Allow(ssh=_lab.controller)", 'Allow(ssh=["192.0.2.0/24"])'), Exit.FOUND, "which is not in allow.ssh; add it"),
    (("release=host.release", 'release={"mx1": "bookworm", "mx2": "trixie"}[name]'), Exit.FOUND, "correct `release`"),
    ((SSH, 'known_hosts="{folder}/empty")'), Exit.UNVERIFIED, "host key"),
    (("key=str(_lab.ssh_key)", 'key="{folder}/other"'), Exit.UNVERIFIED, "Permission denied (publickey)"),
    ((SSH, SSH[:-1] + ", port=9)"), Exit.UNVERIFIED, "cannot be reached over SSH"),
    (("user=host.ssh_user", f'user="{PLAIN}"'), Exit.UNVERIFIED, "see that plain may become root there"),
]
# `ironpost dns plan`: further words of the command line besides.
PUBLISHED: list[tuple[str, Change, Exit, str]] = [
    (
        "",
        ("parked.example.org", "parked.example.edu"),
        Exit.FOUND,
        "gives no SOA for parked.example.edu; see that it serves",
    ),
    ("", (UPDATES, "primary=_lab.host('stranger').ipv4"), Exit.UNVERIFIED, "does not answer"),
    ("", ("primary=_lab.name_servers[0]", 'primary="{resolver}"'), Exit.FOUND, "name servers of that zone belong in"),
    (
        "",
        ("sends_already=False", "also_sends=[f'a{n}.' + domain for n in range(12)]"),
        Exit.FOUND,
        "receivers take it for an error",
    ),
    ("", ("Secret.file(key.secret_file)", 'Secret.file("{folder}/no-base64")'), Exit.FOUND, "is not base64; copy the"),
    ("", ("Secret.file(key.secret_file)", 'Secret.file("{folder}/short")'), Exit.FOUND, "has 6 bytes; make one of 32"),
    ("--merge _dmarc.example.org/TXT", ("", ""), Exit.FOUND, "only SPF policies can be merged; decide"),
    ("--adopt www.example.org/A", ("", ""), Exit.FOUND, "www.example.org/A: no record set of this inventory"),
    ("", (SSH, SSH[:-1] + ", port=9)"), Exit.UNVERIFIED, "cannot be reached over SSH"),
]


@pytest.fixture(scope="module")
def folder(published: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keys and files that are wrong, and a user on each host that may not become root."""
    path = tmp_path_factory.mktemp("refusals")
    (path / "empty").touch()
    for name, text in {"no-base64": "this is not base64!\n", "short": "c2hvcnQh\n"}.items():
        (path / name).touch(mode=0o600)
        (path / name).write_text(text)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path / "other"], check=True)
    public = published.ssh_key.with_suffix(".pub").read_text()
    for host in HOSTS:
        published.run(host, f"useradd -m {PLAIN} && umask 022 && cat >{KEYS}", input=public)
    yield path
    for host in HOSTS:
        published.run(host, f"rm -f {KEYS}; userdel -r {PLAIN}", check=False)


@pytest.fixture
def write(published: Lab, folder: Path) -> Callable[[Change], str]:
    """The lab's inventory with one change."""
    words = {"{folder}": str(folder), "{resolver}": published.resolver}

    def written(change: Change) -> str:
        old, new = change
        for word, value in words.items():
            new = new.replace(word, value)
        return variant(folder, *([(old, new)] if old else []))

    return written


def traces(lab: Lab) -> list[str]:
    """Per host: its generation, what was last changed in /etc, and the serials of the zones."""
    command = (
        "readlink /var/lib/ironpost/current; find /etc -newermt '2 days ago' -printf '%T@ %p\\n' | sort -n | tail -3"
    )
    found = [lab.run(host, command).stdout for host in HOSTS]
    return [
        *found,
        lab.run("ns1", "knotc zone-status | grep -F '[example.' | grep -o 'serial: [0-9]*'").stdout,
    ]


def told_by(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.err + said.out


def test_what_a_host_says_against_an_inventory_is_told_before_a_change(
    published: Lab, write: Callable[[Change], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Row by row `ironpost plan`, and one literal deploy in which each host has a mistake of its own."""
    before = traces(published)
    wrong = []
    for change, status, words in PREFLIGHT:
        found, text = told_by(capsys, "plan", write(change))
        lines = [line for line in text.splitlines() if words in line and line.startswith(NAMES) and "; " in line]
        if (found, len(lines)) != (status, 2):
            wrong.append(f"{change} exits {found}\n{text}")
    assert not wrong, "\n".join(wrong)
    each = 'Allow(ssh=_lab.controller if name == "mx2" else ["192.0.2.0/24"])'
    inventory = write(("Allow(ssh=_lab.controller)", each))
    Path(inventory).write_text(Path(inventory).read_text().replace("release=host.release", 'release="trixie"'))
    done = run_command(published, "pyinfra", inventory, "deploys/mail.py", "-y")
    assert done.returncode != 0 and "Traceback" not in done.stdout
    assert "mx1.example.org: you come from" in done.stdout and "the inventory says trixie" in done.stdout
    assert "staged" not in done.stdout and traces(published) == before


def test_what_name_servers_say_against_an_inventory_is_told_by_the_plan(
    published: Lab, write: Callable[[Change], str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Row by row `ironpost dns plan`; what could not be published is not found out by publishing it."""
    before = traces(published)
    wrong = []
    for options, change, status, words in PUBLISHED:
        found, text = told_by(capsys, "dns", "plan", write(change), *options.split())
        if found != status or words not in text:
            wrong.append(f"{change} {options} exits {found}\n{text[-1500:]}")
    assert not wrong, "\n".join(wrong)
    assert traces(published) == before
