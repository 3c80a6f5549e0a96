"""Reading a letter back while others read in the same mailbox."""

from __future__ import annotations

from typing import Any

from ironpost.compliance.mailbox import taken


class Session:
    """An IMAP session that is told, in the middle of an answer, what another session did."""

    def __init__(self, *parts: Any) -> None:
        self.parts = list(parts)
        self.asked: list[tuple[str, ...]] = []

    def select(self, folder: str) -> tuple[str, list[bytes]]:
        return "OK", [b"2"]

    def expunge(self) -> None:
        self.asked.append(("EXPUNGE",))

    def uid(self, *words: str) -> tuple[str, list[Any]]:
        self.asked.append(words)
        return "OK", [b"7"] if words[0] == "SEARCH" else self.parts


def test_flags_of_other_letters_do_not_hide_the_letter() -> None:
    """It was deleted and not read: a letter lost, and a control that knows nothing."""
    session = Session(b"1 (UID 3 FLAGS (\\Deleted))", (b"2 (UID 7 RFC822 {3}", b"abc"), b")")
    assert taken(session, "INBOX", "token") == b"abc"  # type: ignore[arg-type]
    assert session.asked[-2:] == [("STORE", "7", "+FLAGS", r"(\Deleted)"), ("EXPUNGE",)]


def test_a_letter_that_another_session_took_is_left_alone() -> None:
    """Only what was read is deleted."""
    session = Session(b"1 (UID 3 FLAGS (\\Deleted))")
    assert taken(session, "INBOX", "token") is None  # type: ignore[arg-type]
    assert [words[0] for words in session.asked] == ["SEARCH", "FETCH"]
