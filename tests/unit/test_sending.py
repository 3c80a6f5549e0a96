"""Sending limits: counted to the last recipient, put off in words, and open where nobody has to be stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpost.sending.counts import DAY, HOUR, Counts
from ironpost.sending.rules import Limits, decide, sender_of

NOW = 1_800_000_000
LIMITS = Limits(recipients_per_hour=5, recipients_per_day=8, first_time_per_day=3, first_time_watched_days=30)


@pytest.fixture
def counts(tmp_path: Path) -> Counts:
    """A host that began to count long ago."""
    found = Counts(tmp_path / "counts.db")
    found.base.execute("UPDATE facts SET value = ? WHERE name = 'born'", (str(NOW - 100 * DAY),))
    return found


def ask(counts: Counts, recipient: str, now: int = NOW, who: str = "anna@example.org", **more: str) -> str:
    request = {"protocol_state": "RCPT", "sasl_username": who, "recipient": recipient, **more}
    return decide(counts, LIMITS, request, now)


def test_the_limit_of_an_hour_is_reached_and_one_more_is_put_off(counts: Counts) -> None:
    """Neither one too few nor one too many; the reply says how many, and from when on it works again."""
    for _ in range(5):
        assert ask(counts, "bob@example.net") == "DUNNO"
    put_off = ask(counts, "bob@example.net")
    assert put_off.startswith("450 4.7.1 You have used up your 5 recipients an hour; the next one can be sent after ")
    assert ask(counts, "bob@example.net", who="dora@example.org") == "DUNNO", "another account is not concerned"
    assert ask(counts, "bob@example.net", NOW + HOUR + 60) == "DUNNO"


def test_the_time_in_the_reply_is_true(counts: Counts) -> None:
    """Whoever tries again at that time gets through."""
    for _ in range(5):
        ask(counts, "bob@example.net")
    free = counts.free_at("anna@example.org", HOUR, 1, "recipients", NOW)
    assert NOW < free <= NOW + HOUR + 60
    assert ask(counts, "bob@example.net", free - 61).startswith("450")
    assert ask(counts, "bob@example.net", free) == "DUNNO"


def test_the_limit_of_a_day_counts_over_the_hours(counts: Counts) -> None:
    """Slow enough for the hour is not slow enough for the day."""
    times = [NOW + number * HOUR for number in range(8)]
    assert [ask(counts, "bob@example.net", now) for now in times] == ["DUNNO"] * 8
    assert "8 recipients a day" in ask(counts, "bob@example.net", NOW + 9 * HOUR)


def test_first_time_recipients_are_few_and_known_ones_are_not_counted_among_them(counts: Counts) -> None:
    """A stolen password writes to people whom its owner has never written to."""
    for name in ("a", "b", "c"):
        assert ask(counts, f"{name}@example.net") == "DUNNO"
    assert "3 recipients never written to before a day" in ask(counts, "d@example.net")
    assert ask(counts, "A@example.net") == "DUNNO"


def test_first_time_recipients_are_only_watched_in_the_first_days(
    counts: Counts, capsys: pytest.CaptureFixture[str]
) -> None:
    """A host that has just started to count knows nobody: every recipient would be the first."""
    counts.base.execute("UPDATE facts SET value = ? WHERE name = 'born'", (str(NOW - 29 * DAY),))
    assert [ask(counts, f"{name}@example.net") for name in "abcd"] == ["DUNNO"] * 4
    assert "would be put off after the first 30 days" in capsys.readouterr().err


def test_four_fifths_are_told_in_the_journal(counts: Counts, capsys: pytest.CaptureFixture[str]) -> None:
    """Somebody can look before people are stopped."""
    for _ in range(4):
        ask(counts, "bob@example.net")
    assert "anna@example.org: has used 4 of 5 recipients an hour" in capsys.readouterr().err


def test_a_machine_without_a_login_has_limits_of_its_own(counts: Counts) -> None:
    """A printer that is allowed to relay by certificate or address is an account, too."""
    assert sender_of({"sasl_username": "Anna@example.org", "client_address": "192.0.2.1"}) == "anna@example.org"
    assert sender_of({"ccert_pubkey_fingerprint": "AB:CD", "client_address": "192.0.2.1"}) == "ab:cd"
    assert sender_of({"sasl_username": "", "client_address": "192.0.2.1"}) == "192.0.2.1"


def test_only_recipients_are_counted(counts: Counts) -> None:
    """Other stages of a session are none of its business."""
    assert decide(counts, LIMITS, {"protocol_state": "DATA", "sasl_username": "anna@example.org"}, NOW) == "DUNNO"
    assert counts.sums("anna@example.org", NOW).hour == 0


def test_the_database_holds_no_address_that_anybody_wrote_to(counts: Counts, tmp_path: Path) -> None:
    """Who writes to whom is nobody's business, a thief's least of all; and what is old is forgotten."""
    ask(counts, "bob@example.net")
    counts.base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"bob@" not in (tmp_path / "counts.db").read_bytes()
    counts.forget(NOW + 401 * DAY)
    assert counts.base.execute("SELECT count(*) FROM sent, seen").fetchone() == (0,)


def test_what_is_forwarded_counts_for_where_it_goes_and_is_refused_for_good(counts: Counts) -> None:
    """Strangers wrote it: put off, it would wait before the mailbox; refused, it stays in there."""
    more = {"who": "", "client_address": "127.0.0.1", "policy_context": "forward"}
    for _ in range(5):
        assert ask(counts, "bob@example.net", **more) == "DUNNO"
    assert ask(counts, "bob@example.net", **more).startswith("550 5.7.1 ")
    assert ask(counts, "eve@example.net", **more) == "DUNNO", "another destination is not concerned"
    assert ask(counts, "bob@example.net", who="anna@example.org") == "DUNNO", "nor is who writes there"
    assert "bob" not in "\n".join(counts.base.iterdump()), "an address that somebody wrote to is not kept"
