"""Sending limits that two hosts count together, on both releases: at the limit, one above, and with one host away."""

from __future__ import annotations

import os
import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ironpost.compliance.inside import snapshot
from ironpost.controls.control import Verdict
from ironpost.controls.limits import SILENT_SECONDS, HostsCountTogether
from ironpost.inventory import read_inventory
from ironpost.lab import Lab, down, up
from ironpost.lab.mail import submissions, wait_for
from ironpost.lab.people import password
from tests.lab.deployment import TOP, run_command, succeed
from tests.lab.sabotage.doors import without_rule
from tests.lab.test_sending import DATABASE, change

INVENTORY = "tests/lab/counting.py"
HOUR, FIRST = 10, 4  # as the inventory says
HOSTS = ("mx1", "mx2")
ANNA = "anna@example.org"
SUMS = "SELECT coalesce(sum(recipients), 0) FROM all_sent WHERE who = ?"
EMPTY = ("DELETE FROM sent", "DELETE FROM seen", "DELETE FROM peer_sent", "DELETE FROM peer_seen")
# Which host is broken, which one misses it, and how.
BROKEN = (
    ("mx1", "mx2", "systemctl stop ironpost-counts.service"),
    ("mx2", "mx1", without_rule("input", "dport 4528") + "; systemctl restart ironpost-counts.service"),
)

pytestmark = pytest.mark.soak
either = pytest.mark.parametrize(("host", "other"), [("mx1", "mx2"), ("mx2", "mx1")], ids=["trixie", "bookworm"])


@pytest.fixture(scope="module")
def network() -> Iterator[Lab]:
    """One of its own: in the shared one the two hosts have no domain in common."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRONPOST_LAB", "counts")
        lab = up("counts")
        succeed(lab, "pyinfra", INVENTORY, "deploys/mail.py", "-y", seconds=900)
        yield lab
        if not os.environ.get("IRONPOST_TEST_KEEP"):
            down("counts")


@pytest.fixture
def two(network: Lab) -> Lab:
    """Both hosts up and hearing each other, and nothing sent yet."""
    for host in HOSTS:
        until_heard(network, host)
    for host in HOSTS:
        network.run(host, "systemctl stop ironpost-counts")
    for host in HOSTS:
        for statement in EMPTY:
            change(network, host, statement)
        network.run(host, "systemctl start ironpost-counts")
    return network


def until_heard(lab: Lab, host: str) -> None:
    wait_for(lambda: since(lab, host) in map(str, range(15)) or None, f"{host} hears nobody")


def since(lab: Lab, host: str) -> str:
    """How many seconds ago that host heard the other one, as it tells the verifier."""
    asked = "printf 'request=ironpost_status\\n\\n' | timeout 5 python3 -c 'import socket, sys; s = socket.socket(1);"
    asked += ' s.connect("/run/ironpost-sending.sock"); s.send(sys.stdin.buffer.read()); print(s.recv(999).decode())\''
    return lab.run(host, asked).stdout.strip().rpartition("=")[2]


def counted(lab: Lab, host: str, who: str = ANNA) -> int:
    """What a host knows of an account, its own and the other's."""
    program = (
        f"import sqlite3; print(sqlite3.connect({DATABASE!r}, timeout=10).execute({SUMS!r}, ({who!r},)).fetchone()[0])"
    )
    return int(lab.run(host, "python3 -", input=program).stdout)


def until_counted(lab: Lab, host: str, number: int) -> None:
    wait_for(lambda: counted(lab, host) == number or None, f"{host} does not know of {number} recipients")


@contextmanager
def session(lab: Lab, host: str) -> Iterator[smtplib.SMTP]:
    """Anna, logged in, in the middle of a letter that is never sent: what passes RCPT counts."""
    with submissions(lab, host) as client:
        client.login(ANNA, password(lab.directory, ANNA))
        client.mail(ANNA)
        yield client
        client.rset()


def rcpt(lab: Lab, host: str, *names: str) -> list[int]:
    with session(lab, host) as client:
        return [client.rcpt(f"{name}@example.net")[0] for name in names]


@either
def test_the_limit_of_an_hour_is_one_for_both_hosts(two: Lab, host: str, other: str) -> None:
    """Through one up to some number, the rest through the other: the last one passes, and no further one on either."""
    assert rcpt(two, other, *["bob"] * 7) == [250] * 7
    until_counted(two, host, 7)
    with session(two, host) as client:
        assert [client.rcpt("bob@example.net")[0] for _ in range(HOUR - 7)] == [250] * 3
        code, text = client.rcpt("bob@example.net")
        assert code == 450 and b"You have used up your 10 recipients an hour; the next one can be sent after" in text
    until_counted(two, other, HOUR)
    assert rcpt(two, other, "bob") == [450]


@either
def test_who_was_written_to_through_one_host_is_known_to_the_other(two: Lab, host: str, other: str) -> None:
    """Four first-time recipients a day on both together, and none of them is the first again."""
    assert rcpt(two, other, "ann", "ben", "cid") == [250] * 3
    until_counted(two, host, 3)
    assert rcpt(two, host, "BEN", "dan") == [250, 250], "one known from there, and the fourth new one"
    with session(two, host) as client:
        code, text = client.rcpt("eve@example.net")
        assert code == 450 and b"4 recipients never written to before a day" in text
    until_counted(two, other, 5)
    assert rcpt(two, other, "dan", "eve") == [250, 450]


@either
def test_a_host_that_is_off_keeps_nobody_waiting_and_catches_up(two: Lab, host: str, other: str) -> None:
    """The other one goes on with what it knows; afterwards both know all."""
    assert rcpt(two, other, *["bob"] * 4) == [250] * 4
    until_counted(two, host, 4)
    before = len(journal(two, host))
    two.power_off(other)
    try:
        started = time.monotonic()
        assert rcpt(two, host, *["bob"] * 5) == [250] * 5, "what was heard before still counts"
        assert time.monotonic() - started < 5
        wait_for(lambda: len(journal(two, host)) > before or None, f"{host} does not tell that {other} is away")
    finally:
        two.power_on(other)
    until_counted(two, other, 9)
    wait_for(lambda: two.run(other, "ss -Hltn 'sport = :465'").stdout or None, f"{other}: Postfix does not listen")
    assert rcpt(two, other, "bob", "bob") == [250, 450]
    wait_for(lambda: len(journal(two, host)) > before + 1 or None, f"{host} does not tell that {other} is back")
    told = [line.removeprefix(f"{two.host(other).fqdn}: ").partition(":")[0] for line in journal(two, host)[before:]]
    assert told == ["is away", "is heard; what it counts is added here"]


def journal(lab: Lab, host: str) -> list[str]:
    """What it said since it was last started."""
    which = "_SYSTEMD_INVOCATION_ID=$(systemctl show --value -p InvocationID ironpost-counts)"
    return lab.run(host, f"journalctl -q -o cat {which}").stdout.splitlines()


@either
def test_nobody_else_is_told_anything(two: Lab, host: str, other: str) -> None:
    """A stranger does not get through the firewall; whoever does, without a certificate, not through TLS."""
    fqdn, address = two.host(host).fqdn, two.host(host).ipv4
    knock = f"python3 -c \"import socket; socket.create_connection(('{address}', 4528), 3)\""
    assert two.run("stranger", knock, check=False).returncode != 0
    assert two.run(other, knock, check=False).returncode == 0
    ask = f'(echo \'[0,"",0,"",""]\'; sleep 2) | timeout 10 openssl s_client -quiet -connect {address}:4528'
    shown = (
        "-cert /etc/ssl/ironpost/fleet.pem -cert_chain /etc/ssl/ironpost/fleet.pem -key /etc/ssl/ironpost/fleet-key.pem"
    )
    public = "-cert /etc/ssl/ironpost/chain.pem -key /etc/ssl/ironpost/key.pem"
    answers = [
        two.run(other, f"{ask} {way} -servername {fqdn} 2>&1", check=False).stdout for way in (shown, "", public)
    ]
    assert answers[0].splitlines()[-1].startswith('["')
    for refused in answers[1:]:
        assert "verify return:1" in refused and '["' not in refused, refused


@pytest.mark.parametrize(("host", "other", "breaks"), BROKEN, ids=["trixie", "bookworm"])
def test_a_host_that_is_not_heard_is_found_named_and_repaired(two: Lab, host: str, other: str, breaks: str) -> None:
    """By RELAY-12, whose sabotages stand here: the hosts of the shared network have no domain in common."""
    until_heard(two, other)
    assert relay_12(two, other).state == "holds"
    two.run(host, breaks)
    time.sleep(SILENT_SECONDS + 5)
    found = relay_12(two, other)
    assert found.state == "broken" and found.found.startswith(f"{two.host(host).fqdn} was last heard "), found
    assert "journalctl -u ironpost-counts" in found.remedy
    succeed(two, "pyinfra", INVENTORY, "deploys/mail.py", "-y", seconds=300)
    until_heard(two, other)
    assert relay_12(two, other).state == relay_12(two, host).state == "holds"


def relay_12(lab: Lab, host: str) -> Verdict:
    """What the control says of that host, looked at as `ironpost verify` looks at it."""
    mailhost = read_inventory(TOP / INVENTORY).mailhost(lab.host(host).fqdn)
    return HostsCountTogether().inside(mailhost, snapshot(mailhost))


def test_the_service_has_walls_and_its_port_is_expected(two: Lab) -> None:
    """It is no way around the walls of the one that counts, and no drift."""
    for host in HOSTS:
        until_heard(two, host)
        shown = two.run(host, "systemd-analyze security --no-pager ironpost-counts.service | tail -n 1").stdout
        assert float(shown.split(":")[1].split()[0]) < 2.0, shown
    names = [word for name in ("FW-02", "FW-03", "SBX-01", "RELAY-08", "RELAY-12") for word in ("--control", name)]
    done = run_command(two, "ironpost", "verify", INVENTORY, *names)
    assert done.returncode == 0, done.stdout[-3000:]
    done = run_command(two, "ironpost", "plan", INVENTORY, "--exit-code", "--hosts-only")
    assert done.returncode == 0, done.stdout[-3000:]
