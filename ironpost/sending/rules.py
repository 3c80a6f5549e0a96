"""Whether one more recipient is too much, and in which words."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Mapping

from .counts import DAY, HOUR, Counts, Sums

# For good, so that Dovecot leaves in the mailbox what cannot go on; put off, the mailbox would wait too.
REFUSED = "550 5.7.1 Too much was forwarded there; this message stays in the mailbox that it was for"
ALERT = 0.8  # of a limit: told in the journal, once each time it is reached


@dataclasses.dataclass(frozen=True)
class Limits:
    """For each sender. First-time recipients are only watched for so many days after counting began on this host."""

    recipients_per_hour: int
    recipients_per_day: int
    first_time_per_day: int
    first_time_watched_days: int


FORWARD = "forward"  # policy_context of what Dovecot forwards (main.cf)


def forwarded(request: Mapping[str, str]) -> bool:
    return request.get("policy_context") == FORWARD


def sender_of(request: Mapping[str, str]) -> str:
    """Whom a recipient counts for: the login, else the certificate, else the address of a relaying machine."""
    for name in ("sasl_username", "ccert_pubkey_fingerprint"):
        if request.get(name):
            return request[name].lower()
    return request.get("client_address", "")


def decide(counts: Counts, limits: Limits, request: Mapping[str, str], now: int) -> str:
    """The action for Postfix (access(5)). A recipient that passes is counted, whatever becomes of the message."""
    recipient = request.get("recipient", "")
    # strangers wrote what is forwarded: it counts for where it goes, which is kept as a digest here too
    who = f"{FORWARD} {counts.digest(recipient).hex()}" if forwarded(request) else sender_of(request)
    if request.get("protocol_state") != "RCPT" or not who or not recipient:
        return "DUNNO"
    sums, first = counts.sums(who, now), counts.is_first(who, recipient)
    over = (
        excess(counts, who, "an hour", HOUR, "recipients", sums.hour, limits.recipients_per_hour, now)
        or excess(counts, who, "a day", DAY, "recipients", sums.day, limits.recipients_per_day, now)
        or (first and strangers(counts, limits, who, sums, now))
    )
    if over:
        if forwarded(request):
            return REFUSED
        say(f"{who}: put off: {over}")
        return f"450 4.7.1 {over}"
    counts.add(who, recipient, first, now)
    alert(counts, who, sums, first, limits)
    return "DUNNO"


def excess(
    counts: Counts, who: str, span: str, window: int, column: str, found: int, limit: int, now: int
) -> str | None:
    if found < limit:
        return None
    free = time.strftime("%H:%M UTC", time.gmtime(counts.free_at(who, window, found - limit + 1, column, now)))
    what = "recipients" if column == "recipients" else "recipients never written to before"
    return f"You have used up your {limit} {what} {span}; the next one can be sent after {free}"


def strangers(counts: Counts, limits: Limits, who: str, sums: Sums, now: int) -> str | None:
    """First-time recipients over the limit: refused once this host has had time to learn who writes to whom."""
    over = excess(counts, who, "a day", DAY, "first", sums.first, limits.first_time_per_day, now)
    if over and now < counts.born + limits.first_time_watched_days * DAY:
        say(f"{who}: would be put off after the first {limits.first_time_watched_days} days: {over}")
        return None
    return over


def alert(counts: Counts, who: str, sums: Sums, first: bool, limits: Limits) -> None:
    """At four fifths of a limit, so that somebody can look before people are stopped.

    What another host counted comes in leaps: the sum may pass four fifths and never be four fifths.
    """
    for what, found, limit in (
        ("recipients an hour", sums.hour + 1, limits.recipients_per_hour),
        ("recipients a day", sums.day + 1, limits.recipients_per_day),
        ("first-time recipients a day", sums.first + first, limits.first_time_per_day),
    ):
        if found < max(1, int(limit * ALERT)):
            counts.alerted.discard((who, what))
        elif (who, what) not in counts.alerted:
            counts.alerted.add((who, what))
            say(f"{who}: has used {found} of {limit} {what}")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
