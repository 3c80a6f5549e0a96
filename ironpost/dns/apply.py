"""Publishes what a fleet wants, zone after zone: MX last, and only after the host has answered from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ironpost.dns.contact import contact
from ironpost.dns.plan import Change, Decisions, ZonePlan, refusals, unfit
from ironpost.dns.publish import publish, read_back
from ironpost.dns.records import Scope
from ironpost.dns.resolver import Resolver
from ironpost.dns.served import unserved
from ironpost.dns.survey import Survey, survey
from ironpost.dns.zone import NoAnswerError, is_within
from ironpost.errors import DnsError, HostError
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost
from ironpost.settings import Acme

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Lack:
    """That a host got no certificate, in a sentence; `served`: whether it has an older one that is good."""

    sentence: str
    served: bool


# Has hosts fetch the certificates that are due; host name → what is lacking.
Certify = Callable[[Iterable[MailHost]], Mapping[str, Lack]]
# Hears of the TTL of a host's TLSA sets before they are replaced. May raise HostError.
Remember = Callable[[MailHost, int], None]


@dataclass
class Outcome:
    """What came of one zone: the changes that every server shows now, and what stands in the way of the others."""

    plan: ZonePlan
    published: list[Change] = field(default_factory=list)
    error: str = ""
    silent: bool = False
    held: list[str] = field(default_factory=list)

    def sentence(self) -> str:
        """Which state the zone holds."""
        count = len(self.published)
        done = f"{count} record set{'s' * (count != 1)} published" if count else "nothing published"
        if not self.published and not self.error and not self.held:
            done = "nothing to do"
        asked = [f"{change.id} waits for --adopt, --merge or --keep" for change in self.plan.conflicts]
        return "; ".join((f"{self.plan.zone}: {done}", *filter(None, (self.error, *self.held, *asked))))


def planned(scopes: tuple[Scope, ...], decisions: Decisions, insist: bool, asked: Sequence[Resolver] = ()) -> Survey:
    """The plans of all zones. Raises DnsError when a decision fits nothing, or too much would change at once."""
    found = survey(scopes, decisions, asked=asked)
    plans = tuple(found.plans)
    wrong = [] if found.errors or found.silent else unfit(decisions, plans)
    wrong += [] if insist else refusals(plans)
    if wrong:
        raise DnsError("\n".join(wrong))
    return found


def apply(
    fleet: Fleet,
    found: Survey,
    decisions: Decisions,
    progress: Progress,
    certify: Certify = lambda hosts: {},
    remember: Remember = lambda host, ttl: None,
) -> list[Outcome]:
    """Carries the plans out, each zone by itself; one that fails stops no other.

    First what a certificate authority looks at; then the hosts fetch certificates that are due; then TLSA, then MX.
    """
    outcomes = [Outcome(plan) for plan in found.plans]
    fetching = fetching_hosts(found)
    for outcome in outcomes:
        late = bool(fetching)
        changes = [each for each in outcome.plan.pending if not each.after_contact and not (late and is_tlsa(each))]
        carry_out(outcome, outcome.plan, changes)
    lacking = certify(fetching) if fetching else {}
    for outcome in outcomes:
        if fetching and not outcome.error and any(map(is_tlsa, outcome.plan.pending)):
            replace_keys(outcome, decisions, remember)
    for outcome in outcomes:
        waiting = [change for change in outcome.plan.pending if change.after_contact]
        if waiting and not outcome.error:
            publish_last(fleet, outcome, waiting, outcomes, decisions, lacking)
    for host, lack in lacking.items():
        if not any(lack.sentence in held for outcome in outcomes for held in outcome.held):
            next(each for each in outcomes if host in hosts_in(each.plan)).held.append(lack.sentence)
    for outcome in outcomes:
        progress(outcome.sentence())
    return outcomes


def fetching_hosts(found: Survey) -> list[MailHost]:
    """The hosts of these zones that fetch their own certificates."""
    hosts = {name: host for plan in found.plans for name, host in hosts_in(plan).items()}
    return [host for host in hosts.values() if isinstance(host.certificate, Acme)]


def hosts_in(plan: ZonePlan) -> dict[str, MailHost]:
    return {host.name: host for scope in plan.scopes for host in scope.mailhosts}


def replace_keys(outcome: Outcome, decisions: Decisions, remember: Remember) -> None:
    """TLSA sets; each host hears first for how long caches may hold the one that goes (RFC 7671 §8.1)."""
    plan = outcome.plan
    try:
        for host in hosts_in(plan).values():
            going = [
                each for each in plan.pending if is_tlsa(each) and each.before and is_within(each.id.name, host.name)
            ]
            if going and isinstance(host.certificate, Acme):
                remember(host, max(plan.seen[each.id.name, "TLSA"].ttl for each in going))
    except HostError as error:
        outcome.error, outcome.silent = str(error), True
    else:
        publish_more(outcome, is_tlsa, decisions)


def is_tlsa(change: Change) -> bool:
    return change.id.rtype == "TLSA"


def publish_more(outcome: Outcome, chosen: Callable[[Change], bool], decisions: Decisions) -> None:
    """The zone has moved on by our own first update, so it is read and planned once more."""
    again = survey(outcome.plan.scopes, decisions)
    for plan in again.plans:
        carry_out(outcome, plan, [change for change in plan.pending if chosen(change)])
    outcome.error = outcome.error or "; ".join(again.errors)


def carry_out(outcome: Outcome, plan: ZonePlan, changes: list[Change]) -> None:
    if not changes:
        return
    try:
        publish(plan, changes)
        read_back(plan, changes)
    except DnsError as error:
        outcome.error, outcome.silent = str(error), isinstance(error, NoAnswerError)
    else:
        outcome.published += changes


def publish_last(
    fleet: Fleet,
    outcome: Outcome,
    waiting: list[Change],
    outcomes: list[Outcome],
    decisions: Decisions,
    lacking: Mapping[str, Lack],
) -> None:
    """The MX sets and policies of one zone, each when what it leads to can be found and has answered."""
    failed = [other.plan.zone for other in outcomes if other.error]
    reasons = {change.id: held_back(fleet, outcome, change, failed, lacking) for change in waiting}
    outcome.held = [f"{each} held back: {reason}" for each, told in reasons.items() for reason in told]
    free = {each for each, told in reasons.items() if not told}
    if free:
        publish_more(outcome, lambda change: change.after_contact and change.id in free, decisions)


def held_back(
    fleet: Fleet, outcome: Outcome, change: Change, failed: list[str], lacking: Mapping[str, Lack]
) -> tuple[str, ...]:
    """Why a change must not be published yet; none when the hosts have answered from outside."""
    hosts = newly_named(fleet, [change]) if change.id.rtype == "MX" else []
    lost = [host.name for host in hosts if any(is_within(host.name, zone) for zone in failed)]
    if lost:
        return (f"the address of {' and '.join(lost)} could not be published",)
    unproven = tuple(
        lacking[host.name].sentence for host in hosts if host.name in lacking and not lacking[host.name].served
    )
    if unproven:
        return unproven
    try:
        found = contact(fleet, hosts).silence if hosts else ()
        return found + (unserved(fleet, change.scope) if needs_policy(fleet, change) else ())
    except HostError as error:
        outcome.silent = True
        return (str(error),)


def needs_policy(fleet: Fleet, change: Change) -> bool:
    """A policy, and an MX set that grows under one: senders refuse a host that the policy which they get lacks."""
    domains = [domain for mailhost in fleet.mailhosts for domain in mailhost.domains if domain.name == change.scope]
    promised = any(domain.mta_sts for domain in domains)
    return change.id.part == "sts" or (promised and change.id.rtype == "MX" and bool(change.before))


def newly_named(fleet: Fleet, changes: list[Change]) -> list[MailHost]:
    """The mail hosts to which an MX set leads from now on."""
    targets = {value.split()[1].rstrip(".") for change in changes for value in set(change.after) - set(change.before)}
    return [mailhost for mailhost in fleet.mailhosts if mailhost.name in targets]
