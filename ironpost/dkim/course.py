"""What is next for a domain's keys on one host, and what it waits for. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ironpost.dns.records.pairs import Pair
from ironpost.mailhost import MailHost

DAY = 86_400
HOUR = 3_600
# Receivers that hold mail back themselves, a backup MX or a mailbox that is checked late, come on top of our queue.
MARGIN_DAYS = 2
CACHED_TIMES = 2  # a resolver may have been told "no such name" just before its last look at a stale server


@dataclass(frozen=True)
class Waits:
    """Seconds: until a new key may sign, and how long an old one stays in each of its last two states."""

    negative: float
    keep: float

    @classmethod
    def of(cls, mailhost: MailHost, domain: str, negative_ttl: float) -> Waits:
        short = mailhost.domain(domain).dkim.test_wait_seconds
        if short is not None:
            return cls(short, short)
        days = max(mailhost.limits.queue_days, mailhost.limits.bounce_queue_days) + MARGIN_DAYS
        return cls(CACHED_TIMES * negative_ttl, days * DAY)


@dataclass(frozen=True)
class Shown:
    """What the name servers hold of one pair. `lacking` is a sentence for each server that shows something else."""

    lacking: tuple[str, ...] = ()
    revoked: bool = False


@dataclass(frozen=True)
class Due:
    """A step for the host to take now, or the seconds until there is one, or what stands in the way; and why.

    With the step `published`, `seconds` is how long the pair waits there at least.
    """

    why: str
    step: str = ""
    pair: Pair | None = None
    seconds: float = 0.0
    blocked: bool = False


def course(pairs: tuple[Pair, ...], shown: dict[str, Shown], waits: Waits, begin: bool) -> list[Due]:
    """All that is due for one domain on one host; `shown` by the RSA selector of each pair."""
    found = [last_days(pair, shown[pair.rsa], waits) for pair in pairs if pair.state in ("retiring", "revoked")]
    signing = next((pair for pair in pairs if pair.state == "signing"), None)
    coming = next((pair for pair in pairs if pair.state in ("next", "published")), None)
    lost = signing is not None and shown[signing.rsa].revoked
    if coming is not None:
        found.append(arrival(coming, shown[coming.rsa], waits, lost))
    elif lost:
        found.append(Due("its key is revoked in DNS: a new one is born", "bear"))
    elif begin and not found:  # the one before is over when its last record is gone
        found.append(Due("a new pair of keys", "bear"))
    return found


def arrival(pair: Pair, shown: Shown, waits: Waits, lost: bool) -> Due:
    """A new pair signs once every name server shows it and nobody can still believe that it does not exist."""
    name = " and ".join(pair.selectors)
    if shown.lacking:
        return Due(f"{name}: {shown.lacking[0]}", blocked=True)
    if pair.state == "next":  # the host keeps how long resolvers may deny it now, should that become shorter meanwhile
        return Due(f"{name}: every name server shows it", "published", pair, seconds=waits.negative)
    left = 0.0 if lost else max(waits.negative, pair.wait) - pair.age
    if left > 0:
        return Due(f"{name} signs in {span(left)}, when no resolver denies it any more (RFC 2308)", seconds=left)
    return Due(f"{name}: signs from now on", "sign", pair)


def last_days(pair: Pair, shown: Shown, waits: Waits) -> Due:
    name = " and ".join(pair.selectors)
    left = waits.keep - pair.age
    if pair.state == "revoked":
        if left > 0:
            return Due(f"{name} is revoked; its empty record goes in {span(left)}", seconds=left)
        return Due(f"{name}: its empty record goes", "forget", pair)
    if left > 0 and not shown.revoked:
        return Due(f"{name} signs no more; revoked in {span(left)}, when no queue holds its mail", seconds=left)
    return Due(f"{name}: is revoked, its private keys are destroyed", "revoke", pair)


def is_overdue(pairs: tuple[Pair, ...], rotate_days: int | None) -> bool:
    """Whether the schedule asks for a rotation."""
    return rotate_days is not None and any(pair.state == "signing" and pair.born >= rotate_days * DAY for pair in pairs)


def span(seconds: float) -> str:
    """A time to wait, for people."""
    if seconds >= 2 * DAY:
        return f"{seconds / DAY:.1f} days"
    return f"{seconds / HOUR:.1f} hours" if seconds >= 2 * HOUR else f"{max(1, round(seconds))} s"
