"""What was sent, by whom and when: one small database, one row for each sender and minute."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import sqlite3
import time
from pathlib import Path

MINUTE, HOUR, DAY = 60, 3600, 86400
REMEMBERED = 400 * DAY  # somebody who was written to a year ago is no stranger
SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sent (
    who TEXT NOT NULL, minute INTEGER NOT NULL, recipients INTEGER NOT NULL, first INTEGER NOT NULL,
    PRIMARY KEY (who, minute)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (
    who TEXT NOT NULL, recipient BLOB NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (who, recipient)) WITHOUT ROWID;
"""


@dataclasses.dataclass(frozen=True)
class Sums:
    """Recipients of the last hour and day, and those of the last day that this sender had never written to."""

    hour: int
    day: int
    first: int


class Counts:
    """The database. Times are seconds since 1970; a minute is the grain, so a window ends a minute late at most."""

    def __init__(self, path: Path | str) -> None:
        self.base = sqlite3.connect(path, isolation_level=None)
        self.base.execute("PRAGMA journal_mode = WAL")
        self.base.execute("PRAGMA synchronous = NORMAL")
        self.base.executescript(SCHEMA)
        self.base.execute("INSERT OR IGNORE INTO facts VALUES ('born', ?)", (str(int(time.time())),))
        self.base.execute("INSERT OR IGNORE INTO facts VALUES ('key', ?)", (secrets.token_hex(16),))
        self.key = bytes.fromhex(self._fact("key"))

    def _fact(self, name: str) -> str:
        return str(self.base.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()[0])

    @property
    def born(self) -> int:
        """When counting began here."""
        return int(self._fact("born"))

    def digest(self, recipient: str) -> bytes:
        """An address as it is kept: whoever steals the file learns nothing without guessing each address."""
        return hashlib.blake2b(recipient.lower().encode(), key=self.key, digest_size=16).digest()

    def sums(self, who: str, now: int) -> Sums:
        row = self.base.execute(
            "SELECT coalesce(sum(CASE WHEN minute > ? THEN recipients END), 0), coalesce(sum(recipients), 0),"
            " coalesce(sum(first), 0) FROM sent WHERE who = ? AND minute > ?",
            ((now - HOUR) // MINUTE, who, (now - DAY) // MINUTE),
        ).fetchone()
        return Sums(*row)

    def is_first(self, who: str, recipient: str) -> bool:
        found = self.base.execute("SELECT 1 FROM seen WHERE who = ? AND recipient = ?", (who, self.digest(recipient)))
        return found.fetchone() is None

    def add(self, who: str, recipient: str, first: bool, now: int) -> None:
        with self.base:
            self.base.execute("BEGIN")
            self.base.execute(
                "INSERT INTO sent VALUES (?, ?, 1, ?) ON CONFLICT DO UPDATE"
                " SET recipients = recipients + 1, first = first + excluded.first",
                (who, now // MINUTE, int(first)),
            )
            self.base.execute(
                "INSERT INTO seen VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET last = excluded.last",
                (who, self.digest(recipient), now),
            )

    def free_at(self, who: str, window: int, over: int, column: str, now: int) -> int:
        """When so many of the window's oldest have left it that `over` more fit in."""
        left = over
        rows = self.base.execute(
            "SELECT minute, CASE ? WHEN 'first' THEN first ELSE recipients END FROM sent"
            " WHERE who = ? AND minute > ? ORDER BY minute",
            (column, who, (now - window) // MINUTE),
        )
        for minute, number in rows:
            left -= number
            if left <= 0:
                return int(minute + 1) * MINUTE + window
        return now + window

    def forget(self, now: int) -> None:
        """What no window and no memory needs any more."""
        self.base.execute("DELETE FROM sent WHERE minute <= ?", ((now - DAY) // MINUTE,))
        self.base.execute("DELETE FROM seen WHERE last < ?", (now - REMEMBERED,))
