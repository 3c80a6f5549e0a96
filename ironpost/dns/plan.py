"""The difference between what a scope wants and what its zone holds, with ownership and limits. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ironpost.dns.records import Scope
from ironpost.dns.records.pairs import REVOKED
from ironpost.dns.recordset import RecordSet, SetId
from ironpost.dns.registry import Entry, Rule, entries, registry_name
from ironpost.dns.spf import merged_spf
from ironpost.dns.zone import Place, Seen
from ironpost.errors import DnsError
from ironpost.settings import Rfc2136

MOST_CHANGED_PERCENT = 30
LIMIT_FROM = 10  # owned record sets: below that a percentage says nothing

# + new, - deleted, ~ changed, = as wanted, ! somebody else's in our place, ? not known now
Sign = Literal["+", "-", "~", "=", "!", "?"]

NEVER_AGAIN = "it was revoked, and a revoked selector never comes back: run `ironpost dkim rotate`"

# What the operator decided for a place: `example.org/TXT` → adopt (own), merge or keep.
Decisions = Mapping[str, Rule]


@dataclass(frozen=True)
class Change:
    """What happens to one record set. `old_rule` and `rule` are its row of the registry before and after."""

    sign: Sign
    id: SetId
    before: tuple[str, ...]
    after: tuple[str, ...]
    reason: str
    scope: str
    old_rule: Rule | None = None
    rule: Rule | None = None

    @property
    def pending(self) -> bool:
        """Whether an apply would do it; a conflict waits for the operator first."""
        return self.sign not in "!?" and (self.before != self.after or self.old_rule != self.rule)

    @property
    def after_contact(self) -> bool:
        """Whether it waits until the host has answered from outside: an MX that leads nowhere loses mail.

        A policy that nobody serves is one more reason for senders to ask, and to ask in vain (RFC 8461 §3.3).
        """
        waits = self.id.rtype == "MX" or self.id.part == "sts"
        return waits and bool(self.after) and self.before != self.after

    @property
    def row(self) -> str:
        return registry_name(self.scope)


@dataclass(frozen=True)
class ZonePlan:
    """All changes of one zone that one key makes, and what stood there on the primary when they were planned.

    `behind` are sentences on servers that show something else than the primary, `notes` on the zone itself,
    `faults` on what would do harm if it were published.
    """

    zone: str
    updates: Rfc2136
    scopes: tuple[Scope, ...]
    changes: tuple[Change, ...]
    seen: Mapping[Place, Seen]
    behind: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    @property
    def pending(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.pending)

    @property
    def due(self) -> tuple[str, ...]:
        """A sentence for each host that is to fetch a certificate, which the publication sees to."""
        return tuple(sentence for scope in self.scopes for sentence in scope.due)

    @property
    def conflicts(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.sign == "!")

    @property
    def unknown(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.sign == "?")


def places(scope: Scope, rows: Mapping[SetId, Entry]) -> Iterator[Place]:
    """Where to look: what is wanted, and what is ours of earlier."""
    for each in (*(wanted.id for wanted in scope.sets), *rows):
        yield each.name, each.rtype


def changes(scope: Scope, seen: Mapping[Place, Seen], decisions: Decisions) -> tuple[Change, ...]:
    """What is to be done in one scope. Raises DnsError for a decision that does not fit."""
    rows = registered(scope, seen)
    found = [
        judged(scope, wanted, seen[wanted.id.name, wanted.id.rtype], rows.get(wanted.id), decisions)
        for wanted in scope.sets
    ]
    wanted_ids = {wanted.id for wanted in scope.sets}
    found += [orphan(scope, row, seen[row.id.name, row.id.rtype]) for row in rows.values() if row.id not in wanted_ids]
    return tuple(found)


def registered(scope: Scope, seen: Mapping[Place, Seen]) -> dict[SetId, Entry]:
    name = registry_name(scope.name)
    return entries(name, seen[name, "TXT"].values)


def judged(scope: Scope, wanted: RecordSet, seen: Seen, row: Entry | None, decisions: Decisions) -> Change:
    """One wanted set against what stands in its place."""
    old = row.rule if row else None
    rule = decisions.get(f"{wanted.id.name}/{wanted.id.rtype}", old)
    values = tuple(value for value in seen.values if wanted.id.holds(value))
    if wanted.values is None:
        return Change("?", wanted.id, values, values, wanted.reason, scope.name, old, old)
    if rule == "keep":
        return Change("=", wanted.id, values, values, "somebody else's, kept as you decided", scope.name, old, rule)
    if is_revoked(wanted, values) and REVOKED not in wanted.values:
        return Change("!", wanted.id, values, values, f"{wanted.reason}; {NEVER_AGAIN}", scope.name, old, old)
    if seen.alias:
        reason = f"{wanted.reason}; a CNAME to {seen.alias} stands here, which only you can remove"
        return Change("!", wanted.id, (), wanted.values, reason, scope.name, old, old)
    after = joined(wanted, values) if rule == "merge" else wanted.values
    sign, rule = verdict(values, after, rule)
    if sign == "=" and is_key(wanted):
        rule = rule or "own"  # the public half of a key that was born on our host is nobody else's
    return Change(sign, wanted.id, values, after, wanted.reason, scope.name, old, rule)


def is_revoked(wanted: RecordSet, values: tuple[str, ...]) -> bool:
    """Whether a key stands revoked in DNS: whatever its host says, nobody is to trust it again."""
    return is_key(wanted) and REVOKED in values


def is_key(wanted: RecordSet) -> bool:
    return "_domainkey" in wanted.id.name.split(".")


def verdict(values: tuple[str, ...], after: tuple[str, ...], rule: Rule | None) -> tuple[Sign, Rule | None]:
    """The sign, and the rule from now on; what somebody else wrote just as we would stays theirs."""
    if values == after:
        return "=", rule
    if not values:
        return "+", rule or "own"
    return ("~", rule) if rule else ("!", None)


def joined(wanted: RecordSet, values: tuple[str, ...]) -> tuple[str, ...]:
    if wanted.id.part != "spf" or wanted.values is None:
        raise DnsError(f"{wanted.id}: only SPF policies can be merged; decide with --adopt or --keep")
    return (merged_spf(wanted.values[0], values),)


def orphan(scope: Scope, row: Entry, seen: Seen) -> Change:
    """A set of ours that the settings no longer name. Only what is wholly ours is deleted."""
    values = tuple(value for value in seen.values if row.id.holds(value))
    if "_domainkey" in row.id.name.split(".") and scope.unread:
        reason = "a signing key of earlier; kept while a host that may still sign with it cannot be read"
        return Change("?", row.id, values, values, reason, scope.name, row.rule, row.rule)
    if row.id.part == "sts" and any(value.split("id=")[-1][:1] in "te" for value in values):
        reason = 'senders remember this policy: say mta_sts="none", publish that, wait two weeks (RFC 8461 §8.3)'
        return Change("?", row.id, values, values, reason, scope.name, row.rule, row.rule)
    if row.rule != "own":
        reason = "no longer named by the settings; the record stays, being somebody else's too"
        return Change("-", row.id, values, values, reason, scope.name, row.rule, None)
    return Change("-", row.id, values, (), "ours, and no longer named by the settings", scope.name, row.rule, None)


def unfit(decisions: Decisions, plans: tuple[ZonePlan, ...]) -> list[str]:
    """Decisions on places that no plan knows."""
    known = {f"{change.id.name}/{change.id.rtype}" for plan in plans for change in plan.changes}
    return [
        f"{place}: no record set of this inventory; write NAME/TYPE as the plan shows it"
        for place in decisions
        if place not in known
    ]


def refusals(plans: tuple[ZonePlan, ...]) -> list[str]:
    """Why these plans are too much to be done without being insisted on; judged for each zone and for all of them."""
    found = [
        f"{change.id}: is at the apex of the zone and would be changed; nothing was done, use --insist if you mean it"
        for plan in plans
        for change in plan.pending
        if change.id.rtype == "NS" and change.id.name == plan.zone
    ]
    found += [f"{fault}; nothing was done, use --insist if you mean it" for plan in plans for fault in plan.faults]
    for where, group in ((plan.zone, (plan,)) for plan in plans):
        found += too_many(where, group)
    return found or too_many("all zones", plans)


def too_many(where: str, plans: tuple[ZonePlan, ...]) -> list[str]:
    owned = [change for plan in plans for change in plan.changes if change.old_rule in ("own", "merge")]
    touched = [change for change in owned if change.before and change.before != change.after]
    all_of, moved = (len({unit(change.id) for change in group}) for group in (owned, touched))
    if all_of < LIMIT_FROM or moved * 100 <= all_of * MOST_CHANGED_PERCENT:
        return []
    return [
        f"{where}: {moved} of {all_of} owned record sets would be changed or deleted, more than "
        f"{MOST_CHANGED_PERCENT} %; nothing was done, use --insist if you mean it"
    ]


def unit(place: SetId) -> SetId:
    """What counts as one change: a host's new TLS key is one, although the sets of all its ports change."""
    return SetId(place.name.partition("._tcp.")[2], "TLSA") if place.rtype == "TLSA" else place
