"""Sending limits that hosts count together: added once, believed within bounds, and forgotten in time."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from ironpost.sending import peers as module
from ironpost.sending.counts import DAY, HOUR, MINUTE, REMEMBERED, Counts
from ironpost.sending.peers import Peers
from ironpost.sending.rules import Limits, decide
from ironpost.sending.wire import Answer, Place, Seen, Sent

NOW = 1_800_000_000
LIMITS = Limits(recipients_per_hour=5, recipients_per_day=8, first_time_per_day=3, first_time_watched_days=30)
ANNA = "anna@example.org"
KEY = b"k" * 16
OTHERS = ("out2.example.com", "out3.example.org")
HELD = "SELECT (SELECT count(*) FROM peer_sent), (SELECT count(*) FROM peer_seen)"


def host(folder: Path, name: str) -> Peers:
    """One that began to count long ago."""
    counts = Counts(folder / f"{name}.db")
    counts.base.execute("UPDATE facts SET value = ? WHERE name = 'born'", (str(NOW - 100 * DAY),))
    return Peers(counts, OTHERS)


@pytest.fixture
def here(tmp_path: Path) -> Peers:
    return host(tmp_path, "here")


@pytest.fixture
def there(tmp_path: Path) -> Peers:
    return host(tmp_path, OTHERS[0])


def ask(where: Peers, recipient: str, now: int = NOW, *, who: str = ANNA, **more: Any) -> str:
    request = {"protocol_state": "RCPT", "sasl_username": who, "recipient": recipient, **more}
    return decide(where.counts, LIMITS, request, now)


def hear(here: Peers, there: Peers, now: int = NOW, whole: bool = False, name: str = OTHERS[0]) -> None:
    """One round, as exchange.py goes through it."""
    while not here.knows(name, there.counts.key):
        pass
    place = here.place(name, whole)
    while True:
        answer = there.told(place, now)
        here.take(name, place, answer, now)
        place = place.after(answer)
        if not (answer.more_sent or answer.more_seen):
            return


def told(*rows: Sent | Seen, more: bool = False) -> Answer:
    sent = tuple(row for row in rows if isinstance(row, Sent))
    return Answer(KEY, sent, tuple(row for row in rows if isinstance(row, Seen)), more, more)


def test_the_limit_of_an_hour_is_that_of_all_hosts_together(here: Peers, there: Peers) -> None:
    """Three there and two here are five; the sixth is put off on both, with a time that is true."""
    assert [ask(there, "bob@example.net", NOW - 600) for _ in range(3)] == ["DUNNO"] * 3
    hear(here, there)
    assert [ask(here, "bob@example.net") for _ in range(2)] == ["DUNNO"] * 2
    hear(there, here)
    for each in (here, there):
        assert "You have used up your 5 recipients an hour" in ask(each, "bob@example.net")
    free = here.counts.free_at(ANNA, HOUR, 1, "recipients", NOW)
    assert free == (NOW - 600) // MINUTE * MINUTE + MINUTE + HOUR
    assert ask(here, "bob@example.net", free) == "DUNNO" and ask(there, "bob@example.net", free - 61).startswith("450")


def test_what_is_told_twice_counts_once(here: Peers, there: Peers) -> None:
    """A minute is told while it is still going on, and again; and the whole day after each new connection."""
    ask(there, "bob@example.net")
    for whole in (False, False, True):
        hear(here, there, whole=whole)
        hear(there, here, whole=whole)
    assert here.counts.sums(ANNA, NOW).day == there.counts.sums(ANNA, NOW).day == 1
    ask(there, "bob@example.net")
    hear(here, there)
    assert here.counts.sums(ANNA, NOW).day == 2
    there.base.execute("DELETE FROM sent")
    hear(here, there, whole=True)
    assert here.counts.sums(ANNA, NOW).day == 0, "what the other one no longer has is no longer had of it"


def test_rows_of_one_host_do_not_come_back_over_another_one(here: Peers, there: Peers, tmp_path: Path) -> None:
    """Each tells what it counted itself: of three hosts each message would be counted thrice."""
    third = host(tmp_path, OTHERS[1])
    ask(here, "bob@example.net")
    hear(there, here)
    hear(third, there)
    hear(here, there)
    assert third.counts.sums(ANNA, NOW).day == 0 and here.counts.sums(ANNA, NOW).day == 1


def test_whom_one_wrote_to_through_another_host_is_no_stranger(here: Peers, there: Peers) -> None:
    """Digests are made with the key of the host that saw the letter, and looked up with it."""
    assert [ask(there, f"{name}@example.net", NOW - 2 * DAY) for name in "ab"] == ["DUNNO"] * 2
    assert [ask(there, f"{name}@example.net") for name in "cd"] == ["DUNNO"] * 2
    hear(here, there)
    assert not here.counts.is_first(ANNA, "A@example.net") and here.counts.is_first("dora@example.org", "a@example.net")
    assert ask(here, "a@example.net") == "DUNNO", "known there"
    assert ask(here, "e@example.net") == "DUNNO", "the third first one of the day, two of them there"
    assert "3 recipients never written to before a day" in ask(here, "f@example.net")
    dump = "\n".join(here.base.iterdump())
    assert "a@example.net" not in dump and here.counts.key != there.counts.key


def test_a_host_with_a_new_key_is_asked_for_everything_anew(here: Peers, there: Peers, tmp_path: Path) -> None:
    """It was set up anew; nothing of what it told before can be compared any more."""
    ask(there, "bob@example.net")
    hear(here, there)
    again = host(tmp_path, "anew")
    ask(again, "eve@example.net", NOW - HOUR - MINUTE)
    assert not here.knows(OTHERS[0], again.counts.key)
    assert here.place(OTHERS[0], whole=False).second == 0
    hear(here, again, whole=True)
    assert here.counts.is_first(ANNA, "bob@example.net") and not here.counts.is_first(ANNA, "eve@example.net")
    assert here.counts.sums(ANNA, NOW).day == 1


def test_what_is_forwarded_stays_a_matter_of_each_host(here: Peers, there: Peers) -> None:
    """Where it goes is kept as a digest by the host's own key, which means nothing elsewhere."""
    more: dict[str, Any] = {"client_address": "127.0.0.1", "policy_context": "forward"}
    assert [ask(there, "bob@example.net", who="", **more) for _ in range(6)][-1].startswith("550")
    answer = there.told(Place(), NOW)
    assert not answer.sent and not answer.seen
    here.knows(OTHERS[0], KEY)
    here.take(OTHERS[0], Place(), told(Sent(NOW // MINUTE, "forward 00", 5, 0)), NOW)
    assert here.base.execute("SELECT count(*) FROM peer_sent").fetchone() == (0,)


def test_pages_that_follow_each_other_are_the_whole(here: Peers, there: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a page ends in the middle of a minute and of a second."""
    monkeypatch.setattr(module, "PAGE", 3)
    for number in range(10):
        ask(there, "bob@example.net", NOW - number // 4 * MINUTE, who=f"user{number}@example.org")
    hear(here, there, whole=True)
    assert sorted(here.base.execute("SELECT who, minute FROM peer_sent")) == sorted(
        there.base.execute("SELECT who, minute FROM sent")
    )
    assert not any(here.counts.is_first(f"user{number}@example.org", "bob@example.net") for number in range(10))


@pytest.mark.parametrize(
    "row",
    [
        Sent(NOW // MINUTE + 2, ANNA, 5, 0),
        Sent((NOW - DAY) // MINUTE, ANNA, 5, 0),
        Sent(0, ANNA, 5, 0),
        Sent(NOW // MINUTE, "", 5, 0),
        Seen(NOW + MINUTE + 1, ANNA, b"d" * 16),
        Seen(NOW - REMEMBERED - 1, ANNA, b"d" * 16),
        Seen(NOW, "", b"d" * 16),
    ],
)
def test_rows_of_the_future_and_of_long_ago_are_not_taken(here: Peers, row: Sent | Seen) -> None:
    """A clock that is wrong must neither shut people out for ever nor fill the database."""
    here.knows(OTHERS[0], KEY)
    good = Sent(NOW // MINUTE + 1, ANNA, 1, 0), Seen(NOW, ANNA, b"g" * 16)
    here.take(OTHERS[0], Place(), told(row, *good), NOW)
    assert here.counts.sums(ANNA, NOW).day == 1
    assert here.base.execute("SELECT who, recipient, last FROM peer_seen").fetchall() == [(ANNA, b"g" * 16, NOW)]


def test_one_host_cannot_fill_the_disk_of_another(here: Peers, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what was sent no more is taken; of whom was written to the oldest leave. Other hosts lose nothing."""
    monkeypatch.setattr(module, "MOST_SENT", 10)
    monkeypatch.setattr(module, "MOST_SEEN", 10)
    for name in OTHERS:
        here.knows(name, KEY)
    here.take(OTHERS[1], Place(), told(Seen(NOW - 500, "kept", b"k" * 16), Sent(NOW // MINUTE, "kept", 1, 1)), NOW)
    for start in range(0, 60, 6):
        sent = [Sent(NOW // MINUTE - 60 + number, f"u{number}", 1, 1) for number in range(start, start + 6)]
        seen = [Seen(NOW - 100 + number, ANNA, bytes([number]) * 16) for number in range(start, start + 6)]
        here.take(OTHERS[0], Place(minute=sent[0].minute - 1, sender="z"), told(*sent, *seen, more=True), NOW)
    sent_rows, seen_rows = here.base.execute(HELD).fetchone()
    assert sent_rows <= 11 and seen_rows <= 11 and here.full == {OTHERS[0]}
    assert here.base.execute("SELECT max(last) FROM peer_seen WHERE host = ?", OTHERS[:1]).fetchone() == (NOW - 41,)
    assert here.base.execute("SELECT count(*) FROM peer_seen WHERE who = 'kept'").fetchone() == (1,)


def test_what_is_of_no_use_any_more_is_forgotten(here: Peers, there: Peers, tmp_path: Path) -> None:
    """After a day and after 400; and at once what a host told that left the fleet."""
    ask(there, "bob@example.net")
    for name in OTHERS:
        hear(here, there, name=name)
    assert here.counts.sums(ANNA, NOW).day == 2
    left = Peers(Counts(tmp_path / "here.db"), OTHERS[:1])
    left.counts.forget(NOW)
    assert left.counts.sums(ANNA, NOW).day == 1 and [*left.counts.heard()] == [OTHERS[0]]
    left.counts.forget(NOW + DAY + MINUTE)
    assert left.base.execute(HELD).fetchone() == (0, 1)
    left.counts.forget(NOW + REMEMBERED + 1)
    assert left.base.execute(HELD).fetchone() == (0, 0)


def test_a_database_of_an_earlier_release_is_taken_over(tmp_path: Path) -> None:
    """Its rows stay, and what is new stands beside them."""
    path = tmp_path / "old.db"
    old = sqlite3.connect(path)
    old.executescript(
        "CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);"
        "CREATE TABLE sent (who TEXT NOT NULL, minute INTEGER NOT NULL, recipients INTEGER NOT NULL,"
        " first INTEGER NOT NULL, PRIMARY KEY (who, minute)) WITHOUT ROWID;"
        "CREATE TABLE seen (who TEXT NOT NULL, recipient BLOB NOT NULL, last INTEGER NOT NULL,"
        " PRIMARY KEY (who, recipient)) WITHOUT ROWID;"
    )
    old.execute("INSERT INTO sent VALUES (?, ?, 4, 1)", (ANNA, NOW // MINUTE))
    old.commit()
    old.close()
    found = Counts(path)
    assert found.sums(ANNA, NOW).hour == 4 and found.heard() == {}
    assert Peers(found, OTHERS).told(Place(), NOW).sent == (Sent(NOW // MINUTE, ANNA, 4, 1),)


def test_four_fifths_are_told_where_the_sum_leaps_over_them(
    here: Peers, there: Peers, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once, and again only after it was less."""
    for number in range(4):
        ask(there, "bob@example.net", NOW - number)
    hear(here, there)
    ask(here, "bob@example.net")
    assert capsys.readouterr().err.count("has used 5 of 5 recipients an hour") == 1
    later = NOW + HOUR + MINUTE
    assert ask(here, "bob@example.net", later) == "DUNNO" and "an hour" not in capsys.readouterr().err
