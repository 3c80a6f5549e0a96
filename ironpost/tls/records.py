"""The TLSA records of one host: published by themselves, and looked for at every authoritative server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ironpost.dns.apply import Outcome, carry_out
from ironpost.dns.records.tlsa import ports_of
from ironpost.dns.survey import survey
from ironpost.dns.wanted import wanted
from ironpost.dns.zone import NameServer
from ironpost.errors import DnsError
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost

Before = Callable[[int], object]


@dataclass(frozen=True)
class Shown:
    """What the name servers show: `missing` has a sentence for each that lacks a key; `ttl` is the longest seen."""

    missing: tuple[str, ...]
    ttl: int


def publish(fleet: Fleet, mailhost: MailHost, before: Before = lambda ttl: None) -> tuple[str, ...]:
    """Brings the host's TLSA sets in line with its keys. The addresses of the servers that hold them; empty where the
    zone is not signed, so that nobody asks for them. `before` hears of the TTL of sets that are about to change.
    Raises DnsError."""
    scopes, unread = wanted(fleet, (mailhost.name,))
    if unread:
        raise DnsError("; ".join(unread))
    found = survey(scopes, {})
    for plan in found.plans:
        changes = [change for change in plan.changes if change.id.name in names(mailhost)]
        conflicts = [str(change.id) for change in changes if change.sign == "!"]
        if conflicts:
            raise DnsError(f"{', '.join(conflicts)}: holds somebody else's; decide with `ironpost dns apply --adopt`")
        outcome = Outcome(plan)
        pending = [change for change in changes if change.pending]
        remembered = [plan.seen[change.id.name, "TLSA"].ttl for change in pending if change.before]
        if remembered:
            before(max(remembered))
        carry_out(outcome, plan, pending)
        if outcome.error:
            raise DnsError(outcome.error)
        if changes:
            return tuple(dict.fromkeys((plan.updates.primary, *plan.updates.servers)))
        if any(each.id.name in names(mailhost) for scope in plan.scopes for each in scope.sets):
            return ()
    notes = [note for plan in found.plans for note in plan.notes if mailhost.name.endswith(note.partition(":")[0])]
    if notes:
        return ()
    reasons = [*found.errors, *found.silent] or [
        f"{mailhost.name}: the inventory names no way to publish below this name; add dns= to its domain"
    ]
    raise DnsError("; ".join(reasons))


def names(mailhost: MailHost) -> tuple[str, ...]:
    return tuple(f"_{port}._tcp.{mailhost.name}" for port in ports_of(mailhost))


def shown(mailhost: MailHost, digests: tuple[str, ...], servers: tuple[str, ...]) -> Shown:
    """Asked anew at every server: is each of these keys at each port?"""
    missing, ttl = [], 0
    for address in servers:
        server = NameServer(address)
        try:
            seen = server.read_all((name, "TLSA") for name in names(mailhost))
        except DnsError as error:
            missing.append(str(error))
            continue
        values = [set(found.values) for found in seen.values()]
        ttl = max([ttl, *(found.ttl for found in seen.values())])
        if any(f"3 1 1 {digest}" not in there for there in values for digest in digests):
            missing.append(
                f"{address}: does not show the next key of {mailhost.name} yet; see whether it gets the zone"
            )
    return Shown(tuple(missing), ttl)
