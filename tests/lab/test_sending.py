"""Sending limits on live hosts: at the limit, and one above."""

from __future__ import annotations

import smtplib
from collections.abc import Iterator

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import submissions
from ironpost.lab.people import password
from tests.lab.sabotage import PEOPLE

DATABASE = "/var/lib/ironpost-sending/counts.db"
HOUR, DAY, FIRST = 500, 2000, 200


def change(lab: Lab, host: str, statement: str, *values: str | int) -> None:
    """Time travel: no test waits for a day."""
    call = f"base.execute({statement!r}, {values!r})"
    program = f"import sqlite3\nwith sqlite3.connect({DATABASE!r}, timeout=10) as base: {call}\n"
    lab.run(host, "python3 -", input=program)


@pytest.fixture
def session(deployed: Lab, mailhost: str) -> Iterator[smtplib.SMTP]:
    """The second account of the host, logged in; nothing is left of what it did."""
    domain, second = PEOPLE[mailhost]
    address = f"{second}@{domain}"
    with submissions(deployed, mailhost) as client:
        client.login(address, password(deployed.directory, address))
        client.mail(address)
        yield client
        client.rset()
    for statement in ("DELETE FROM sent WHERE who = ?", "DELETE FROM seen WHERE who = ?"):
        change(deployed, mailhost, statement, address)
    change(deployed, mailhost, "UPDATE facts SET value = strftime('%s') WHERE name = 'born'")


def rcpt(client: smtplib.SMTP, first: int, last: int) -> list[int]:
    return [client.rcpt(f"limit-{number}@example.net")[0] for number in range(first, last)]


def test_the_limits_hold_to_the_last_recipient(deployed: Lab, session: smtplib.SMTP, mailhost: str) -> None:
    """500 an hour, 2,000 a day, 200 first-time ones a day once the host has counted for 30 days; then 450, in words."""
    domain, second = PEOPLE[mailhost]
    who = f"{second}@{domain}"
    assert set(rcpt(session, 0, HOUR)) == {250}, "first-time recipients are only watched at first"
    code, text = session.rcpt("limit-0@example.net")
    assert code == 450 and b"You have used up your 500 recipients an hour; the next one can be sent after" in text

    # the same, two hours ago, and so many besides that one remains of the day
    change(deployed, mailhost, "UPDATE sent SET minute = minute - 120, first = 0 WHERE who = ?", who)
    change(
        deployed,
        mailhost,
        "INSERT INTO sent SELECT who, minute - 120, ? - sum(recipients), 0 FROM sent WHERE who = ?",
        DAY - 1,
        who,
    )
    assert rcpt(session, 0, 1) == [250]
    code, text = session.rcpt("limit-1@example.net")
    assert code == 450 and b"2000 recipients a day" in text

    # a day later, on a host that has counted for a month
    change(deployed, mailhost, "DELETE FROM sent WHERE who = ?", who)
    change(deployed, mailhost, "UPDATE facts SET value = strftime('%s') - 31 * 86400 WHERE name = 'born'")
    assert set(rcpt(session, HOUR, HOUR + FIRST)) == {250}
    code, text = session.rcpt("limit-stranger@example.net")
    assert code == 450 and b"200 recipients never written to before a day" in text
    assert rcpt(session, 0, 1) == [250], "whom one has written to before is no stranger"
    told = deployed.run(mailhost, "journalctl -u ironpost-sending -o cat --since -5min").stdout
    assert f"{who}: has used 400 of 500 recipients an hour" in told and f"{who}: put off: " in told
    assert f"{who}: would be put off after the first 30 days" in told


def test_nobody_sends_while_nobody_counts(deployed: Lab, session: smtplib.SMTP, mailhost: str) -> None:
    """A counter that died must not be the way around it; mail is put off and not lost."""
    deployed.run(mailhost, "systemctl stop ironpost-sending.socket ironpost-sending.service")
    try:
        code, text = session.rcpt("limit-0@example.net")
        assert code == 450 and b"Recipients cannot be counted" in text
    finally:
        deployed.run(mailhost, "systemctl start ironpost-sending.socket ironpost-sending.service")
    assert rcpt(session, 0, 1) == [250]
