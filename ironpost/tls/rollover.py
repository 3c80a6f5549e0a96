"""From one key to the next in the order in which no DANE sender ever fails (RFC 7671 §8.1).

The next key is published beside the current one; two TTLs pass after every authoritative server showed it; the host
fetches the certificate of the next key and serves it; each port is seen from outside; the old key goes. Where a host
stands is kept on the host alone, so that whoever runs this next goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ironpost.errors import HostError
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost
from ironpost.tls import onhost
from ironpost.tls.onhost import TlsStatus
from ironpost.tls.outside import served_otherwise
from ironpost.tls.records import publish, shown

AGAIN_SECONDS = 15
Say = Callable[[str], None]


@dataclass(frozen=True)
class Standing:
    """Where a host stands: `done`, or what it waits for and for how many seconds."""

    mailhost: str
    done: bool
    sentence: str
    seconds: int = 0


def advance(fleet: Fleet, mailhost: MailHost, say: Say, older_than: int = 0) -> Standing:
    """As far as it goes now. Raises HostError or DnsError; whatever fails, what is served stays served."""
    status = onhost.status_of(mailhost)
    if status.files:
        why = "its certificate comes from files: name the next key as next_key=, and see docs/operating.md"
        raise HostError(f"{mailhost.name}: cannot be rolled, {why}")
    if status.roll is None:
        age = (status.now - status.since) // 86400
        if older_than and age < older_than:
            return Standing(mailhost.name, True, f"nothing to do, its key is served since {age} days")
        status = onhost.roll(mailhost, "begin")
        say(f"{mailhost.name}: rollover begun")
    if status.roll and status.roll.step == "wait":
        status, waiting = waited(fleet, mailhost, status, say)
        if waiting:
            return waiting
    if status.roll and status.roll.step == "switch":
        status = onhost.roll(mailhost, "switch")
        if status.roll and status.roll.step == "switch":
            told = status.error or "see journalctl -u ironpost-certificate"
            raise HostError(f"{mailhost.name}: no certificate for the next key ({told}); the current one is served on")
        say(f"{mailhost.name}: the next key is served")
    if status.roll and status.roll.step == "verify":
        waiting = verified(fleet, mailhost, status, say)
        if waiting:
            return waiting
    publish(fleet, mailhost, lambda ttl: onhost.roll(mailhost, "replaced", str(ttl)))
    onhost.roll(mailhost, "end")
    return Standing(mailhost.name, True, "rolled over; the key after the new one is published already")


def waited(fleet: Fleet, mailhost: MailHost, status: TlsStatus, say: Say) -> tuple[TlsStatus, Standing | None]:
    """Published, seen everywhere, and two TTLs ago: then the switch is asked for."""
    # caches keep the old set for its old TTL, which may be longer than that of the new one
    servers = publish(fleet, mailhost, lambda ttl: onhost.roll(mailhost, "unseen", str(ttl)))
    found = shown(mailhost, status.digests("next"), servers)
    if found.missing:
        onhost.roll(mailhost, "unseen")
        return status, Standing(mailhost.name, False, f"waits for a name server: {found.missing[0]}", AGAIN_SECONDS)
    first = status.roll is not None and status.roll.shown is None
    status = onhost.roll(mailhost, "shown", str(found.ttl))
    if first:
        where = f"{len(servers)} addresses of name servers show" if servers else "the zone is not signed, so none need"
        say(f"{mailhost.name}: {where} the next key beside the current one")
    assert status.roll is not None
    over = (status.roll.shown or status.now) + 2 * status.roll.ttl
    left = max(over, status.held) - status.now
    if left > 0:
        why = f"twice the TTL of {status.roll.ttl} s" if over >= status.held else "twice the longer TTL of before"
        sentence = f"waits {left} s more, until no cache lacks the next key ({why})"
        return status, Standing(mailhost.name, False, sentence, left)
    status = onhost.roll(mailhost, "switch")
    if status.roll and status.roll.step == "verify":
        say(f"{mailhost.name}: the next key is served")
    return status, None


def verified(fleet: Fleet, mailhost: MailHost, status: TlsStatus, say: Say) -> Standing | None:
    """Each port seen from outside; then the old key goes, and the one after the new one is born."""
    whence, faults = served_otherwise(fleet, mailhost, status.digests("current"))
    if faults:
        sentence = f"waits until the new key is seen from {whence}: {faults[0]}"
        return Standing(mailhost.name, False, sentence, AGAIN_SECONDS)
    say(f"{mailhost.name}: the new key is seen on every port from {whence}")
    onhost.roll(mailhost, "retire")
    say(f"{mailhost.name}: the old key is destroyed, and the one after the new one is born")
    return None
