"""Guessing passwords, really: who guesses is shut out from all logins, and let in again."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ironpost.lab import Lab
from ironpost.lab.guess import guess, newcomer, reaches
from ironpost.lab.people import password
from tests.lab.deployment import DEPLOY, run_command, succeed
from tests.lab.inventories import variant

HOSTS = ("mx1", "mx2")
FAILURES = 10
both = pytest.mark.parametrize("host", HOSTS)


@dataclasses.dataclass(frozen=True)
class Story:
    """What happened on one host, step by step; two newcomers guess, one over IPv4 and one over IPv6."""

    source: str
    source6: str
    nine: bool  # 993 was open to the first one after nine failures on 465
    banned: bool  # and it was banned after the tenth
    mail: bool  # port 25 was still open then
    login: bool  # and 993
    unbanned: str  # what `ironpost unban` said
    after: bool
    again: bool  # banned once more after ten failures on 995
    banned6: bool  # the second one's /64, after ten failures on 993
    table: str  # as it stood in the end


def is_banned(lab: Lab, host: str, member: str, name: str = "logins") -> bool:
    """Waits for it: fail2ban reads the journal as it is written, and a second or two pass."""
    version = 6 if ":" in member else 4
    until = time.monotonic() + 20
    while time.monotonic() < until:
        listed = lab.run(host, f"nft list set inet ironpost_bans {name}_v{version}").stdout
        if re.search(rf"[ {{]{re.escape(member)} timeout", listed):
            return True
        time.sleep(0.3)
    return False


def network_of(address: str) -> str:
    return f"{address.rpartition('::')[0]}::/64"


def told(lab: Lab, host: str) -> Story:
    server, source, source6 = lab.host(host), newcomer(lab, 4), newcomer(lab, 6)
    with ThreadPoolExecutor() as pool:
        sixth = pool.submit(guess, lab, source6, server.ipv6, 993, FAILURES)
        guess(lab, source, server.ipv4, 465, FAILURES - 1)
        sixth.result()
    nine = reaches(lab, server.ipv4, 993, source)
    guess(lab, source, server.ipv4, 465, 1)
    banned = is_banned(lab, host, source)
    mail, login = reaches(lab, server.ipv4, 25, source), reaches(lab, server.ipv4, 993, source)
    unbanned = run_command(lab, "ironpost", "unban", "inventories/lab.py", source).stdout
    after = reaches(lab, server.ipv4, 993, source)
    guess(lab, source, server.ipv4, 995, FAILURES)
    again, banned6 = is_banned(lab, host, source), is_banned(lab, host, network_of(source6))
    table = lab.run(host, "nft list table inet ironpost_bans").stdout
    return Story(source, source6, nine, banned, mail, login, unbanned, after, again, banned6, table)


@pytest.fixture(scope="module")
def stories(deployed: Lab) -> Iterator[dict[str, Story]]:
    """Both hosts at the same time: most of it is waiting for refusals."""
    with ThreadPoolExecutor() as pool:
        found = dict(zip(HOSTS, pool.map(lambda host: told(deployed, host), HOSTS), strict=True))
    yield found
    for story in found.values():
        for source in (story.source, story.source6):
            succeed(deployed, "ironpost", "unban", "inventories/lab.py", source)


@both
def test_the_tenth_failure_shuts_an_address_out_from_all_logins(stories: dict[str, Story], host: str) -> None:
    """Guessed at on submission, shut out from IMAP too; mail for port 25 still comes in from there."""
    story = stories[host]
    assert story.nine and story.banned
    assert story.mail and not story.login


@both
def test_unban_lets_an_address_in_again(deployed: Lab, stories: dict[str, Story], host: str) -> None:
    """Somebody's phone had an old password."""
    story, fqdn = stories[host], deployed.host(host).fqdn
    assert f"{fqdn}: {story.source} is let in again\n" in story.unbanned
    assert story.after


@both
def test_imap_and_pop3_are_watched_too_and_ipv6_is_banned_by_its_network(stories: dict[str, Story], host: str) -> None:
    """One IPv6 address is nothing to whoever has the /64; after `ironpost unban` an address counts from zero again."""
    story = stories[host]
    assert story.again and story.banned6
    assert f"{story.source} timeout 10m" in story.table
    assert f"{network_of(story.source6)} timeout 10m" in story.table


@both
def test_the_operator_is_never_banned(deployed: Lab, stories: dict[str, Story], host: str) -> None:
    """A forgotten password in a mail program must not shut the office out; nor do letters between our own hosts."""
    never = stories[host].table.partition("set logins_v4")[0]
    assert all(address in never for address in (*deployed.controller, deployed.host("mx1").ipv4))
    assert deployed.run(host, "fail2ban-client get ironpost-logins ignoreip").stdout.count("198.18.") >= 3


# Arguments: source, server, user; the password lies in /run/right. Prints the reply to the right password and how long
# it took in seconds.
LOG_IN = """
import base64, socket, ssl, sys, time
source, server, user = sys.argv[1:]
with open("/run/right", "rb") as stream:
    right = stream.read()
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
with socket.create_connection((server, 465), 30, (source, 0)) as plain:
    stream = tls.wrap_socket(plain).makefile("rwb")
    stream.readline()
    stream.write(b"EHLO host.stranger.example\\r\\n")
    stream.flush()
    while not stream.readline().startswith(b"250 "):
        pass
    begun = time.monotonic()
    stream.write(b"AUTH PLAIN " + base64.b64encode(b"\\0" + user.encode() + b"\\0" + right) + b"\\r\\n")
    stream.flush()
    print(stream.readline().decode().split()[0], time.monotonic() - begun)
"""


@both
def test_whoever_knows_the_password_does_not_pay_for_who_does_not(deployed: Lab, host: str) -> None:
    """In one office a telephone with an old password kept everybody out: Postfix waits ten seconds and no more."""
    server, user = deployed.host(host), {"mx1": "alice@example.org", "mx2": "dave@example.com"}[host]
    source = newcomer(deployed, 4)
    guess(deployed, source, server.ipv4, 993, FAILURES - 2)
    right = password(deployed.directory, user)
    deployed.run("stranger", "umask 077; cat >/run/right", input=right)
    done = deployed.run("stranger", f"python3 - {source} {server.ipv4} {user}; rm /run/right", input=LOG_IN)
    reply, seconds = done.stdout.split()
    assert reply == "235" and float(seconds) < 5, done.stdout


# The same arguments: reads mail over IMAP. A login on 465 alone, with nothing sent, leaves no line in Postfix's log.
READ_MAIL = """
import socket, ssl, sys
source, server, user = sys.argv[1:]
with open("/run/right") as stream:
    right = stream.read()
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
with socket.create_connection((server, 993), 30, (source, 0)) as plain:
    stream = tls.wrap_socket(plain).makefile("rwb")
    for line in (f"a LOGIN {user} {right}", "b LOGOUT"):
        stream.write(line.encode() + b"\\r\\n")
        stream.flush()
        while not stream.readline().startswith(line[0].encode() + b" "):
            pass
"""


def timeout_of(lab: Lab, host: str, address: str) -> str:
    """For how long it was banned, as nft writes it (`10m`); nothing when it is not."""
    listed = lab.run(host, "nft list set inet ironpost_bans logins_v4").stdout
    found = re.search(rf"{re.escape(address)} timeout (\w+)", listed)
    return found[1] if found else ""


@pytest.mark.soak
@both
def test_a_second_ban_lasts_twice_as_long(deployed: Lab, host: str) -> None:
    """Whoever comes back goes on guessing. The first ban is of twenty seconds here, so that there can be a second."""
    server, source = deployed.host(host).ipv4, newcomer(deployed, 4)
    jail = "fail2ban-client set ironpost-logins bantime"
    deployed.run(host, f"{jail} 20")
    try:
        lasted: list[list[str]] = []
        for _ in range(2):
            guess(deployed, source, server, 465, FAILURES)
            assert is_banned(deployed, host, source)
            lasted.append([])
            until = time.monotonic() + 90
            while found := timeout_of(deployed, host, source):
                assert time.monotonic() < until
                if found not in lasted[-1]:
                    lasted[-1].append(found)
                time.sleep(0.3)
        assert lasted == [["20s"], ["20s", "40s"]]  # fail2ban tells some seconds later that a ban is to grow
    finally:
        deployed.run(host, f"{jail} 600")
        succeed(deployed, "ironpost", "unban", "inventories/lab.py", source)


@pytest.mark.soak
@both
def test_an_address_that_somebody_has_logged_in_from_may_fail_ten_times_as_often(deployed: Lab, host: str) -> None:
    """Of a hundred people behind one address somebody always has an old password."""
    server, user = deployed.host(host), {"mx1": "alice@example.org", "mx2": "dave@example.com"}[host]
    source = newcomer(deployed, 4)
    deployed.run("stranger", "umask 077; cat >/run/right", input=password(deployed.directory, user))
    deployed.run("stranger", f"python3 - {source} {server.ipv4} {user}; rm /run/right", input=READ_MAIL)
    assert is_banned(deployed, host, source, "known"), "the address is not known"
    try:
        for _ in range(9):
            guess(deployed, source, server.ipv4, 993, 11)
        time.sleep(5)
        assert not timeout_of(deployed, host, source), "banned after 99 failures"
        guess(deployed, source, server.ipv4, 993, 1)
        assert is_banned(deployed, host, source)
    finally:
        succeed(deployed, "ironpost", "unban", "inventories/lab.py", source)
        deployed.run(host, f"fail2ban-client set ironpost-known unbanip {source}", check=False)


@pytest.mark.soak
def test_ssh_is_watched_where_it_is_open_to_everyone(deployed: Lab, tmp_path: Path) -> None:
    """Without an allowlist keys alone decide, and each try costs the host a handshake."""
    inventory = variant(tmp_path, ("allow=Allow(ssh=_lab.controller)", "allow=Allow()"))
    stranger = newcomer(deployed, 4)
    try:
        succeed(deployed, "pyinfra", inventory, "deploys/mail.py", "-y")
        for host in HOSTS:
            address = deployed.host(host).ipv4
            call = f"ssh -o BatchMode=yes -o StrictHostKeyChecking=no -b {stranger} x@{address}"
            for _ in range(FAILURES):
                deployed.run("stranger", call, check=False)
            assert is_banned(deployed, host, stranger, "ssh")
            assert not reaches(deployed, address, 22, stranger) and reaches(deployed, address, 993, stranger)
    finally:
        succeed(deployed, *DEPLOY)
        succeed(deployed, "ironpost", "unban", "inventories/lab.py", stranger)
