"""Mail that goes on to elsewhere: what may be said of it, and what the programs are told."""

from __future__ import annotations

import dataclasses
import grp
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ironpost.components import components_of
from ironpost.components.forwarding import rule
from ironpost.components.postfix_maps import smarthosts, srs_addresses
from ironpost.errors import InventoryError
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.render import render
from tests.inventories import HASH, mailhost, write_inventory

ALLOWED = '[Domain(name="example.org", users="users/example.org.toml", forward_to=["example.net"])]'
NOBODY = f'[anna]\npassword = "{HASH}"\n'
INNER = 'Inner(authority="chain.pem", chain="chain.pem", key=Secret.file("key.pem"))'


def inventory(folder: Path, users: str, *hosts: str) -> Path:
    path = write_inventory(
        folder, *(hosts or (mailhost(domains=ALLOWED),)), before="from ironpost.settings import Inner"
    )
    (folder / "users" / "example.org.toml").write_text(NOBODY + users)
    return path


def account(*lines: str, name: str = "frieda") -> str:
    return "\n".join([f"[{name}]", f'password = "{HASH}"', *lines, ""])


def read(folder: Path, *lines: str, **settings: str) -> MailHost:
    host = mailhost(**({"domains": ALLOWED} | settings))
    return read_inventory(inventory(folder, account(*lines), host)).mailhosts[0]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('forward = ["bob@partner.example"]', "write partner.example into forward_to of example.org"),
        ('forward = ["frieda@example.org"]', "is its own address, and mail would go round"),
        ('forward = ["anna@example.org"]', "example.org is served here; make frieda@example.org an alias of anna"),
        ('forward = ["bob@mx1.example.org"]', "mx1.example.org is served here"),
        ('forward = ["bob@example.net"]\ndisabled = true', "is disabled and would still forward; remove forward"),
        ("keep_copy = true", "keep_copy says nothing without forward; remove it"),
        ('forward = ["bob@example.net"]\nkeep_copy = "no"', "keep_copy is neither true nor false"),
        ("forward = []", "forward is not a list of addresses"),
        ('forward = "bob@example.net"', "forward is not a list of addresses"),
        ('forward = ["bob"]', "forward: 'bob' is not a mail address"),
        ('forward = ["bob@example.net", "bob@Example.net"]', "names bob@example.net twice"),
        (f"forward = {[f'b{number}@example.net' for number in range(6)]}", "names 6 addresses, and 5 are the most"),
        ('aliases = ["abuse"]\nforward = ["bob@example.net"]\nkeep_copy = false', "set keep_copy = true"),
        ('aliases = ["bob@example.net"]', "the alias bob@example.net is not of a domain of this host"),
    ],
)
def test_each_mistake_is_told_with_its_file_and_a_remedy(tmp_path: Path, lines: str, told: str) -> None:
    """Mail that goes to the wrong place is not noticed by whom it is for."""
    with pytest.raises(InventoryError) as refused:
        read_inventory(inventory(tmp_path, account(lines)))
    complaints = [line for line in str(refused.value).splitlines() if told in line]
    assert len(complaints) == 1 and "frieda" in complaints[0], str(refused.value)
    assert "example.org.toml: frieda" in complaints[0] or "frieda@example.org: the alias" in complaints[0]


def test_the_admin_who_is_postmaster_keeps_a_copy(tmp_path: Path) -> None:
    """RFC 5321 §4.5.1: somebody must read it here, whatever becomes of the other mailbox."""
    path = inventory(tmp_path, "forward = ['anna@example.net']\nkeep_copy = false\n")
    with pytest.raises(InventoryError, match=r"example\.org\.toml: anna: gets the mail for postmaster"):
        read_inventory(path)
    assert read_inventory(inventory(tmp_path, "forward = ['anna@example.net']\n")).mailhosts[0].forwards


def test_what_a_domain_allows_is_elsewhere_and_the_same_on_each_host(tmp_path: Path) -> None:
    """Between our own domains mail could go round; and which host forwards must not be chance."""
    own = ALLOWED.replace("example.net", "example.org")
    with pytest.raises(InventoryError, match=r"forward_to: example\.org is served here; remove it"):
        read_inventory(inventory(tmp_path, "", mailhost(domains=own)))
    second = mailhost(name='"mx2.example.org"', ipv4='"127.0.0.2"', domains=ALLOWED.replace("net", "edu"))
    with pytest.raises(InventoryError, match=r"forward_to is not the same on mx1.example.org and mx2.example.org"):
        read_inventory(inventory(tmp_path, "", mailhost(domains=ALLOWED), second))


def test_a_host_that_only_keeps_mail_cannot_forward_it(tmp_path: Path) -> None:
    """A bounce would come to another host, which has not the secret. On a host with all roles it can."""
    roles = {"mx1": "mx", "mx2": "submission", "mx3": "mailbox", "mx4": '", "'.join(("mx", "submission", "mailbox"))}
    hosts = [
        mailhost(
            name=f'"{name}.example.org"',
            ipv4=f'"127.0.0.{name[-1]}"',
            roles=f'["{word}"]',
            inner=INNER,
            domains=ALLOWED,
        )
        for name, word in roles.items()
    ]
    forward = 'forward = ["bob@example.net"]'
    with pytest.raises(
        InventoryError, match=r"frieda: forwards, and its mailbox is on mx3\.example\.org, which has not"
    ):
        read_inventory(inventory(tmp_path, account(forward), *hosts))
    fleet = read_inventory(inventory(tmp_path, account(forward, 'host = "mx4.example.org"'), *hosts))
    assert [each.forwards for each in fleet.mailhosts] == [False, False, False, True]
    assert [each.marks_forgeries for each in fleet.mailhosts] == [True, False, False, True]


def test_without_forward_nothing_is_there(tmp_path: Path) -> None:
    """What nobody uses cannot be abused; a domain that merely allows it changes nothing either."""
    host = read_inventory(inventory(tmp_path, "")).mailhosts[0]
    part = next(each for each in components_of(host) if each.name == "forwarding")
    assert (part.packages, part.files, part.units) == ((), (), ())
    plain = read_inventory(inventory(tmp_path, "", mailhost())).mailhosts[0]
    for path in ("/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/rspamd/rspamd.local.lua"):
        assert render(path, host) == render(path, plain) and "4527" not in render(path, host)


def test_a_rule_keeps_a_copy_or_does_not(tmp_path: Path) -> None:
    """Without :copy, a redirection takes the place of the mailbox (RFC 3894)."""
    host = read(tmp_path, 'forward = ["bob@example.net", "eve@example.net"]')
    text = rule(host.forwarders[0])
    assert text.count("redirect :copy") == 2 and 'require ["copy"];' in text
    moved = rule(dataclasses.replace(host.forwarders[0], keep_copy=False))
    assert ":copy" not in moved and moved.count("redirect") == 2 and "require" not in moved
    assert "X-Spam" in text and "X-Not-Forwarded" in moved


def test_only_who_forwards_may_redirect(tmp_path: Path) -> None:
    """Rules of all others send nothing on, whatever they say."""
    host = read(tmp_path, 'forward = ["bob@example.net"]')
    rows = next(
        str(file.content) for part in components_of(host) for file in part.files if file.path == "/etc/dovecot/users"
    ).splitlines()
    assert [("userdb_sieve_max_redirects=1 userdb_submission_host=127.0.0.1:4527" in row) for row in rows] == [
        False,
        True,
    ]


def test_forwarded_mail_follows_the_smarthost_of_the_first_domain(tmp_path: Path) -> None:
    """Its sender is of the host's own name, which no smarthost is named for."""
    route = '[Smarthost(host="mail.example.net", domains=["example.org"])]'
    before = "from ironpost.settings import Inner, Smarthost"
    path = write_inventory(tmp_path, mailhost(domains=ALLOWED, smarthosts=route), before=before)
    rows = smarthosts(read_inventory(path).mailhosts[0])
    assert list(rows) == ["@example.org"]
    (tmp_path / "users" / "example.org.toml").write_text(NOBODY + account('forward = ["bob@example.net"]'))
    rows = smarthosts(read_inventory(path).mailhosts[0])
    assert rows["@mx1.example.org"] == rows["@example.org"] == "[mail.example.net]:587"


def test_only_addresses_of_this_host_are_handed_to_postsrsd(tmp_path: Path) -> None:
    """While it is away, only bounces wait and no other mail."""
    assert r"/^(SRS[01][=+-].*@mx1\.example\.org)$/ ${1}" in srs_addresses(
        read(tmp_path, 'forward = ["bob@example.net"]')
    )


@pytest.fixture
def secrets(tmp_path: Path) -> tuple[Path, Callable[[], None]]:
    """The program on the host, with its file elsewhere and in the hands of whoever tests; and that file."""
    source = render("/usr/lib/ironpost/srs-secrets", read(tmp_path, 'forward = ["bob@example.net"]'))
    file, program = tmp_path / "secrets", tmp_path / "srs-secrets"
    us = f'"{pwd.getpwuid(os.getuid()).pw_name}", "{grp.getgrgid(os.getgid()).gr_name}"'
    program.write_text(source.replace("/etc/postsrsd.secret", str(file)).replace('"root", GROUP', us))

    def run() -> None:
        subprocess.run([sys.executable, "-B", str(program)], check=True)

    return file, run


def test_a_secret_is_born_once_and_renewed_beside_the_one_before(secrets: tuple[Path, Callable[[], None]]) -> None:
    """An address counts for 21 days: the secret before stays for 30, and the one before that is gone."""
    file, run = secrets
    run()
    first = file.read_text().split()
    run()
    assert file.read_text().split() == first and file.stat().st_mode & 0o777 == 0o640
    seen = [first[0]]
    for _ in range(3):
        long_ago = time.time() - 31 * 86400
        os.utime(file, (long_ago, long_ago))
        run()
        lines = file.read_text().split()
        assert len(lines) == 2 and lines[1] == seen[-1] and lines[0] not in seen
        seen.append(lines[0])
