"""What was sent, by whom and when: one small database, one row for each sender and minute.

Beside the host's own rows it holds those that other hosts of its fleet told (peers.py): they count as if sent here.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import sqlite3
import time
from pathlib import Path

MINUTE, HOUR, DAY = 60, 3600, 86400
REMEMBERED = 400 * DAY  # somebody who was written to a year ago is no stranger
KEY_BYTES = DIGEST_BYTES = 16
SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sent (
    who TEXT NOT NULL, minute INTEGER NOT NULL, recipients INTEGER NOT NULL, first INTEGER NOT NULL,
    PRIMARY KEY (who, minute)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (
    who TEXT NOT NULL, recipient BLOB NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (who, recipient)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS peers (host TEXT PRIMARY KEY, key BLOB, heard INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS peer_sent (
    who TEXT NOT NULL, minute INTEGER NOT NULL, host TEXT NOT NULL, recipients INTEGER NOT NULL, first INTEGER NOT NULL,
    PRIMARY KEY (who, minute, host)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS peer_seen (
    host TEXT NOT NULL, who TEXT NOT NULL, recipient BLOB NOT NULL, last INTEGER NOT NULL,
    PRIMARY KEY (host, who, recipient)) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS all_sent AS
    SELECT who, minute, recipients, first FROM sent UNION ALL SELECT who, minute, recipients, first FROM peer_sent;
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
        self.base.execute("INSERT OR IGNORE INTO facts VALUES ('key', ?)", (secrets.token_hex(KEY_BYTES),))
        self.key = bytes.fromhex(self._fact("key"))
        self.alerted: set[tuple[str, str]] = set()  # who has used much of what, until it is less again

    def _fact(self, name: str) -> str:
        return str(self.base.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()[0])

    @property
    def born(self) -> int:
        """When counting began here."""
        return int(self._fact("born"))

    def digest(self, recipient: str, key: bytes = b"") -> bytes:
        """An address as it is kept: whoever steals the file learns nothing without guessing each address."""
        return hashlib.blake2b(recipient.lower().encode(), key=key or self.key, digest_size=DIGEST_BYTES).digest()

    def sums(self, who: str, now: int) -> Sums:
        row = self.base.execute(
            "SELECT coalesce(sum(CASE WHEN minute > ? THEN recipients END), 0), coalesce(sum(recipients), 0),"
            " coalesce(sum(first), 0) FROM all_sent WHERE who = ? AND minute > ?",
            ((now - HOUR) // MINUTE, who, (now - DAY) // MINUTE),
        ).fetchone()
        return Sums(*row)

    def is_first(self, who: str, recipient: str) -> bool:
        """Whether nobody saw the two together: neither this host nor, each under its own key, one of the others."""
        asked = "SELECT 1 FROM seen WHERE who = ? AND recipient = ?"
        if self.base.execute(asked, (who, self.digest(recipient))).fetchone():
            return False
        asked = "SELECT 1 FROM peer_seen WHERE host = ? AND who = ? AND recipient = ?"
        peers = self.base.execute("SELECT host, key FROM peers WHERE key IS NOT NULL").fetchall()
        return not any(
            self.base.execute(asked, (host, who, self.digest(recipient, key))).fetchone() for host, key in peers
        )

    def heard(self) -> dict[str, int]:
        """The hosts whose counts are added here → when each was last heard; 0 for never."""
        return dict(self.base.execute("SELECT host, heard FROM peers ORDER BY host").fetchall())

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
            "SELECT minute, CASE ? WHEN 'first' THEN first ELSE recipients END FROM all_sent"
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
        minute, last = (now - DAY) // MINUTE, now - REMEMBERED
        self.base.execute("DELETE FROM sent WHERE minute <= ?", (minute,))
        self.base.execute("DELETE FROM seen WHERE last < ?", (last,))
        # a host that is not among the peers is no more of the fleet
        self.base.execute("DELETE FROM peer_sent WHERE minute <= ? OR host NOT IN (SELECT host FROM peers)", (minute,))
        self.base.execute("DELETE FROM peer_seen WHERE last < ? OR host NOT IN (SELECT host FROM peers)", (last,))
