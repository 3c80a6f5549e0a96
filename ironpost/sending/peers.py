"""The rows that hosts tell each other, in the database: what is told, what is taken, and what is not believed."""

from __future__ import annotations

from .counts import DAY, HOUR, MINUTE, REMEMBERED, Counts
from .rules import FORWARD
from .wire import PAGE, Answer, Place, Seen, Sent

MOST_SENT = 200_000  # rows of one host: each is a sender and a minute of the last day
MOST_SEEN = 1_000_000  # digests of one host; the oldest make room
HEARD_EVERY = 10  # seconds after which it is written down again that a host was heard
# What is told. What is forwarded counts for where it goes, by a digest of this host's own key: nobody could add it.
VIEWS = """
CREATE TEMP VIEW told_sent AS SELECT minute, who, recipients, first FROM main.sent
    WHERE who NOT LIKE 'forward %' AND length(who) <= 254 AND who NOT GLOB '*[^ -~]*';
CREATE TEMP VIEW told_seen AS SELECT last, who, recipient FROM main.seen
    WHERE who NOT LIKE 'forward %' AND length(who) <= 254 AND who NOT GLOB '*[^ -~]*';
"""
INDICES = """
CREATE INDEX IF NOT EXISTS sent_at ON sent (minute, who);
CREATE INDEX IF NOT EXISTS seen_at ON seen (last, who, recipient);
CREATE INDEX IF NOT EXISTS peer_sent_of ON peer_sent (host, minute, who);
CREATE INDEX IF NOT EXISTS peer_seen_of ON peer_seen (host, last);
"""


class Peers:
    """The counts of this host and of `hosts`; rows of any other are forgotten next time."""

    def __init__(self, counts: Counts, hosts: tuple[str, ...]) -> None:
        self.counts, self.base = counts, counts.base
        self.base.executescript(INDICES + VIEWS)
        self.full: set[str] = set()  # hosts of which more was told than is kept
        self.held: dict[str, int] = {}  # at most so many digests of each; counted anew when that is too many
        for host in counts.heard():
            if host not in hosts:
                self.base.execute("DELETE FROM peers WHERE host = ?", (host,))
        self.base.executemany("INSERT OR IGNORE INTO peers VALUES (?, NULL, 0)", [(host,) for host in hosts])

    def told(self, place: Place, now: int) -> Answer:
        """What this host counted after a place, a page of it: only its own rows, never those of others."""
        sent = self.base.execute(
            "SELECT minute, who, recipients, first FROM told_sent WHERE (minute, who) > (?, ?) AND minute > ?"
            " ORDER BY minute, who LIMIT ?",
            (place.minute, place.sender, (now - DAY) // MINUTE, PAGE),
        ).fetchall()
        seen = self.base.execute(
            "SELECT last, who, recipient FROM told_seen WHERE (last, who, recipient) > (?, ?, ?)"
            " ORDER BY last, who, recipient LIMIT ?",
            (place.second, place.writer, place.recipient, PAGE),
        ).fetchall()
        full = len(sent) == PAGE, len(seen) == PAGE
        return Answer(self.counts.key, tuple(Sent(*row) for row in sent), tuple(Seen(*row) for row in seen), *full)

    def place(self, host: str, whole: bool) -> Place:
        """From where on that host is asked: a minute earlier than what is known of it, or the day as a `whole`.

        The last minute and second may have grown since. Digests are only ever added, so an hour is enough of them.
        """
        minute = self.base.execute("SELECT max(minute) FROM peer_sent WHERE host = ?", (host,)).fetchone()[0] or 0
        last = self.base.execute("SELECT max(last) FROM peer_seen WHERE host = ?", (host,)).fetchone()[0] or 0
        return Place(second=max(0, last - HOUR)) if whole else Place(max(0, minute - 1), second=last)

    def knows(self, host: str, key: bytes) -> bool:
        """Whether the digests of that host were made with this key; a new key makes the old ones worthless."""
        known = self.base.execute("SELECT key FROM peers WHERE host = ?", (host,)).fetchone()
        if known and known[0] == key:
            return True
        with self.base:
            self.base.execute("BEGIN IMMEDIATE")
            self.base.execute("DELETE FROM peer_seen WHERE host = ?", (host,))
            self.base.execute("UPDATE peers SET key = ? WHERE host = ?", (key, host))
        return False

    def take(self, host: str, place: Place, answer: Answer, now: int) -> None:
        """Puts a page in the place of what was known of that host from there on: nothing is counted twice."""
        self._take_sent(host, place, answer, now)
        self._take_seen(host, answer, now)
        self.base.execute(
            "UPDATE peers SET heard = ? WHERE host = ? AND heard NOT BETWEEN ? AND ?",
            (now, host, now - HEARD_EVERY, now),
        )

    def _take_sent(self, host: str, place: Place, answer: Answer, now: int) -> None:
        end = answer.sent[-1][:2] if answer.more_sent and answer.sent else (now, "")  # a minute that never comes
        span = (host, place.minute, place.sender, *end)
        known = self.base.execute(
            "SELECT minute, who, recipients, first FROM peer_sent"
            " WHERE host = ? AND (minute, who) > (?, ?) AND (minute, who) <= (?, ?)",
            span,
        ).fetchall()
        wanted = {row[:2]: row for row in answer.sent if place[:2] < row[:2] and believed(row, now)}
        if sorted(wanted.values()) == sorted(known):
            return  # as a rule: nothing is written while nobody sends
        kept = self.base.execute("SELECT count(*) FROM peer_sent WHERE host = ?", (host,)).fetchone()[0] - len(known)
        if kept + len(wanted) > MOST_SENT:
            self.full.add(host)
            return
        with self.base:
            self.base.execute("BEGIN IMMEDIATE")
            self.base.execute(
                "DELETE FROM peer_sent WHERE host = ? AND (minute, who) > (?, ?) AND (minute, who) <= (?, ?)", span
            )
            rows = [(row.who, row.minute, host, row.recipients, row.first) for row in wanted.values()]
            self.base.executemany("INSERT OR REPLACE INTO peer_sent VALUES (?, ?, ?, ?, ?)", rows)

    def _take_seen(self, host: str, answer: Answer, now: int) -> None:
        rows = [(host, row.who, row.recipient, row.last) for row in answer.seen if remembered(row, now)]
        if not rows:
            return
        with self.base:
            self.base.execute("BEGIN IMMEDIATE")
            changed = self.base.executemany(
                "INSERT INTO peer_seen VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last"
                " WHERE excluded.last > last",
                rows,
            ).rowcount
            self._make_room(host, max(0, changed))

    def _make_room(self, host: str, added: int) -> None:
        """The oldest digests leave where there are too many: what was written to lately is asked about most."""
        self.held[host] = self.held.get(host, MOST_SEEN) + added
        if self.held[host] <= MOST_SEEN:
            return
        found = self.base.execute("SELECT count(*) FROM peer_seen WHERE host = ?", (host,)).fetchone()[0]
        self.held[host] = min(found, MOST_SEEN)
        if found > MOST_SEEN:
            self.full.add(host)
            self.base.execute(
                "DELETE FROM peer_seen WHERE host = ? AND last <="
                " (SELECT last FROM peer_seen WHERE host = ? ORDER BY last LIMIT 1 OFFSET ?)",
                (host, host, found - MOST_SEEN - 1),
            )


def believed(row: Sent, now: int) -> bool:
    """Of the last day, and at most a minute ahead of this clock."""
    return shared(row.who) and (now - DAY) // MINUTE < row.minute <= now // MINUTE + 1


def remembered(row: Seen, now: int) -> bool:
    """Not older than what this host remembers itself, and at most a minute ahead of this clock."""
    return shared(row.who) and now - REMEMBERED <= row.last <= now + MINUTE


def shared(who: str) -> bool:
    """Whether two hosts mean the same by it."""
    return bool(who) and not who.startswith(f"{FORWARD} ")
