"""The walls around the services: as narrow as promised, and mail gets through all the same."""

from __future__ import annotations

import imaplib
import uuid

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import at_outside, by_imap, letter, trust, wait_for, write_from_outside
from ironpost.lab.people import password

POSTFIX = {"mx1": "postfix.service", "mx2": "postfix@-.service"}
SERVICES = ("dovecot.service", "rspamd.service", "unbound.service", "redis-server.service")
PEOPLE = [
    pytest.param("mx1", "alice@example.org", id="trixie"),
    pytest.param("mx2", "dave@example.com", id="bookworm"),
]
both = pytest.mark.parametrize(("host", "address"), PEOPLE)
# Each tries, with the daemon's own view of the host and as root, what a broken-in daemon would do.
HOMES = ("ls ~root/.bashrc", "ls /home/somebody/letter")
TRESPASSES = (
    *HOMES,
    "touch /usr/lib/planted",
    "touch /etc/planted",
    "touch /boot/planted",
    "head -c1 /dev/mem",
    "mkdir /run/planted",
)
AWAY = 'require ["vacation"];\nvacation :days 1 :subject "away" "I am away.";\n'


def services(host: str) -> tuple[str, ...]:
    return (POSTFIX[host], *SERVICES)


def main_pids(lab: Lab, host: str) -> dict[str, int]:
    text = lab.run(host, f"systemctl show --property=MainPID --value {' '.join(services(host))}").stdout
    return dict(zip(services(host), (int(line) for line in text.split()), strict=True))


def test_each_service_sees_the_host_through_its_walls(deployed: Lab, mailhost: str) -> None:
    """What the unit file says is one thing; what the process that runs may do is what counts."""
    deployed.run(mailhost, "mkdir -p /home/somebody && touch /home/somebody/letter")
    try:
        deployed.run(mailhost, " && ".join(HOMES))  # without walls all of it is there to be seen
        for unit, pid in main_pids(deployed, mailhost).items():
            tries = " ".join(f"{{ {trespass}; }} 2>/dev/null && echo '{trespass}';" for trespass in TRESPASSES)
            script = f"nsenter --target {pid} --mount sh -c {tries!r}; true"
            assert deployed.run(mailhost, script).stdout == "", unit
    finally:
        deployed.run(mailhost, "rm -r /home/somebody")


@both
def test_an_absence_note_leaves_through_the_walls(published: Lab, host: str, address: str) -> None:
    """Dovecot runs sendmail, whose postdrop is setgid: the first thing that a careless sandbox breaks, silently."""
    subject = f"away {uuid.uuid4().hex[:12]}"
    note = AWAY.replace('"away"', f'"Re: {subject}"')
    published.run(host, f"doveadm sieve put -u {address} -a away", input=note)
    try:
        write_from_outside(published, "bob", letter("bob@example.net", address, subject))
        assert b"I am away." in at_outside(published, "bob", f"Re: {subject}")
    finally:
        published.run(host, f"doveadm sieve deactivate -u {address}; doveadm sieve delete -u {address} away")


@both
def test_cron_writes_to_the_admin(published: Lab, host: str, address: str) -> None:
    """sendmail(1) of any user of the host, outside of Postfix's walls."""
    subject = f"cron {uuid.uuid4().hex[:12]}"
    command = "setpriv --reuid=nobody --regid=nogroup --clear-groups /usr/sbin/sendmail -i root"
    published.run(host, command, input=f"Subject: {subject}\n\nThe disk is fine.\n")
    assert by_imap(published, host, address, subject)
    command = "setpriv --reuid=nobody --regid=nogroup --clear-groups mailq 2>&1; true"
    assert "not allowed to view the mail queue" in published.run(host, command).stdout


def words_known(lab: Lab, host: str) -> int:
    """How much rspamd has in its memory."""
    return int(lab.run(host, "redis-cli -s /run/redis/redis-server.sock dbsize").stdout)


@both
def test_moving_a_letter_to_junk_teaches(published: Lab, host: str, address: str) -> None:
    """Dovecot runs a program that asks rspamd through a socket: three walls on the way."""
    subject = f"teach {uuid.uuid4().hex[:12]}"
    # rspamd learns nothing from a few words.
    text = "".join(f"Buy {uuid.uuid4().hex} now, friend.\n" for _ in range(20))
    write_from_outside(published, "bob", letter("bob@example.net", address, subject, text))
    by_imap(published, host, address, subject)
    before = words_known(published, host)
    with imaplib.IMAP4_SSL(published.host(host).ipv4, ssl_context=trust(published, host), timeout=20) as session:
        session.login(address, password(published.directory, address))
        session.select("INBOX")
        _, [numbers] = session.search(None, "SUBJECT", f'"{subject}"')
        assert session.copy(numbers.split()[-1].decode(), "Junk")[0] == "OK"
    taught = f"{host}: rspamd was taught nothing"
    assert wait_for(lambda: words_known(published, host) >= before + 20 or None, taught)


def test_what_is_killed_comes_back(published: Lab, mailhost: str) -> None:
    """A crash at night is nobody's phone call, and Debian's unit of Postfix has no Restart."""
    before = main_pids(published, mailhost)
    assert all(before.values()), before
    published.run(mailhost, f"kill -KILL {' '.join(str(pid) for pid in before.values())}")

    def back() -> bool | None:
        units = " ".join(services(mailhost))
        active = published.run(mailhost, f"systemctl is-active {units}", check=False).stdout.split()
        after = main_pids(published, mailhost)
        anew = not set(after.values()) & {0, *before.values()}
        return True if anew and set(active) == {"active"} else None

    assert wait_for(back, f"{mailhost}: not all services came back")
    probes = "python3 /usr/lib/ironpost/probe-smtp 25 465 587 && python3 /usr/lib/ironpost/probe-dovecot"
    assert wait_for(
        lambda: published.run(mailhost, probes, check=False).returncode == 0 or None, f"{mailhost}: does not answer"
    )
