"""What hosts that count together ask each other, and answer: one line of JSON each, of bounded size and known shape."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NamedTuple

from .counts import DIGEST_BYTES, KEY_BYTES

PAGE = 500  # rows of each kind in one answer
MOST_ASKED = 4096  # bytes of a question
MOST_BYTES = 1024 * 1024  # bytes of an answer
MOST_WHO = 254  # characters: an address (RFC 5321 §4.5.3.1.3); fingerprints are shorter
MOST_RECIPIENTS = 1_000_000  # of one sender in one minute
MOST_NUMBER = 2**40  # no minute and no second is as large


class Malformed(Exception):
    """What came is not of the shape that was agreed upon."""


class Sent(NamedTuple):
    """What one sender sent in one minute; in the order in which rows are told."""

    minute: int
    who: str
    recipients: int
    first: int


class Seen(NamedTuple):
    """Somebody whom one sender wrote to, as a digest by the key of the host that saw it, and when last."""

    last: int
    who: str
    recipient: bytes


class Place(NamedTuple):
    """What was told last: the rows after it are asked for."""

    minute: int = 0
    sender: str = ""
    second: int = 0
    writer: str = ""
    recipient: bytes = b""

    def after(self, answer: Answer) -> Place:
        minute, sender = answer.sent[-1][:2] if answer.sent else self[:2]
        second, writer, recipient = answer.seen[-1] if answer.seen else self[2:]
        return Place(minute, sender, second, writer, recipient)


@dataclasses.dataclass(frozen=True)
class Answer:
    """A page of rows, in order, and whether there are more of each kind. `key` is what the digests were made with."""

    key: bytes
    sent: tuple[Sent, ...]
    seen: tuple[Seen, ...]
    more_sent: bool
    more_seen: bool


def write_question(place: Place) -> bytes:
    return line([place.minute, place.sender, place.second, place.writer, place.recipient.hex()])


def read_question(text: bytes) -> Place:
    minute, sender, second, writer, recipient = listed(loaded(text), 5)
    return Place(number(minute), word(sender), number(second), word(writer), digest(recipient, 0, DIGEST_BYTES))


def write_answer(answer: Answer) -> bytes:
    seen = [(last, who, recipient.hex()) for last, who, recipient in answer.seen]
    return line([answer.key.hex(), answer.sent, seen, answer.more_sent, answer.more_seen])


def read_answer(text: bytes) -> Answer:
    """Raises Malformed for anything else than an answer; whether its rows are believed is another matter."""
    key, sent, seen, more_sent, more_seen = listed(loaded(text), 5)
    if type(more_sent) is not bool or type(more_seen) is not bool:
        raise Malformed("whether there is more is not said")
    rows = tuple(sent_row(listed(row, 4)) for row in listed(sent))
    digests = tuple(seen_row(listed(row, 3)) for row in listed(seen))
    return Answer(digest(key, KEY_BYTES), rows, digests, more_sent, more_seen)


def sent_row(row: list[Any]) -> Sent:
    minute, who, recipients, first = row
    return Sent(number(minute), word(who), number(recipients, MOST_RECIPIENTS), number(first, MOST_RECIPIENTS))


def seen_row(row: list[Any]) -> Seen:
    last, who, recipient = row
    return Seen(number(last), word(who), digest(recipient, DIGEST_BYTES))


def line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def loaded(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("is not a line of JSON") from None


def listed(value: Any, length: int | None = None) -> list[Any]:
    if not isinstance(value, list) or len(value) > PAGE or (length is not None and len(value) != length):
        raise Malformed("a list is missing, or of another length")
    return value


def number(value: Any, most: int = MOST_NUMBER) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise Malformed("a number is missing, or out of bounds")
    return value


def word(value: Any) -> str:
    if not isinstance(value, str) or len(value) > MOST_WHO or not (value.isprintable() and value.isascii()):
        raise Malformed("a name is missing, or is none")
    return value


def digest(value: Any, *lengths: int) -> bytes:
    try:
        found = bytes.fromhex(value)
    except (TypeError, ValueError):
        found = None
    if found is None or len(found) not in lengths:
        raise Malformed("a digest is missing, or is none")
    return found
