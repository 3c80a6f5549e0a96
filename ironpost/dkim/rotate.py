"""Carries rotations on as far as they can go now: publish, look, let the hosts take their steps, and again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ironpost.dkim.course import Due, Waits, course, is_overdue
from ironpost.dkim.look import negative_ttl, servers_of, shown
from ironpost.dns.apply import Outcome, carry_out
from ironpost.dns.plan import ZonePlan
from ironpost.dns.records import Scope, scopes
from ironpost.dns.records.pairs import Pair
from ironpost.dns.survey import survey
from ironpost.dns.told import tellings
from ironpost.dns.zone import NoAnswerError
from ironpost.errors import DnsError, HostError
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost
from ironpost.remote import run_on

STEP = "python3 -B /usr/lib/ironpost/onhost dkim-step"
STEP_SECONDS = 120
MOST_PASSES = 12  # a whole rotation without waits takes seven

Progress = Callable[[str], None]
Signer = tuple[str, str]  # host, domain


@dataclass
class Course:
    """One run. `waiting`: what is due later, by host and domain; `errors` and `silent`: what stopped where."""

    fleet: Fleet
    mailhosts: tuple[MailHost, ...]
    begin: Callable[[MailHost, str, tuple[Pair, ...]], bool]
    progress: Progress
    begun: set[Signer] = field(default_factory=set)
    waiting: dict[Signer, list[Due]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    def note(self, error: Exception) -> None:
        kind = self.silent if isinstance(error, (NoAnswerError, HostError)) else self.errors
        if str(error) not in kind:
            kind.append(str(error))

    @property
    def next_seconds(self) -> float | None:
        """Until the first thing that only takes time; None when there is none."""
        found = [due.seconds for dues in self.waiting.values() for due in dues if not due.blocked]
        return min(found, default=None)


def asked_for(mailhost: MailHost, domain: str, pairs: tuple[Pair, ...]) -> bool:
    return True


def on_schedule(mailhost: MailHost, domain: str, pairs: tuple[Pair, ...]) -> bool:
    return is_overdue(pairs, mailhost.domain(domain).dkim.rotate_days)


def go_on(run: Course) -> None:
    """As far as it goes without waiting."""
    for _ in range(MOST_PASSES):
        run.errors.clear()
        run.silent.clear()
        run.waiting.clear()
        if not one_pass(run):
            return


def one_pass(run: Course) -> bool:
    """Whether a host took a step, after which there may be more to do."""
    domains = dict.fromkeys(name for mailhost in run.mailhosts for name in mailhost.domain_names)
    serving = [host for host in run.fleet.mailhosts if set(host.domain_names) & set(domains)]
    told, unread = tellings(serving)
    run.silent += unread
    wanted = [scope for scope in scopes(run.fleet.mailhosts, told) if scope.name in domains]
    refused = publish(run, tuple(wanted))
    moved = False
    for mailhost in run.mailhosts:
        known = told.get(mailhost.name)
        if known is None:
            continue
        dues = [due for scope in wanted for due in due_at(run, mailhost, scope, known.dkim, refused)]
        moved |= take(run, mailhost, dues)
    return moved


def publish(run: Course, wanted: tuple[Scope, ...]) -> set[str]:
    """The key records alone: whatever else a zone lacks is for `dns apply`. Names of the domains where it failed."""
    found = survey(wanted, {})
    for sentence in (*found.errors, *found.silent):
        run.note(NoAnswerError(sentence) if sentence in found.silent else DnsError(sentence))
    planned = {scope.name for plan in found.plans for scope in plan.scopes}
    failed = {scope.name for scope in wanted if scope.updates is not None} - planned
    for plan in map(only_keys, found.plans):
        outcome = Outcome(plan)
        carry_out(outcome, plan, list(plan.pending))
        for change in outcome.published:
            run.progress(f"{change.id}: {PUBLISHED[change.sign]}")
        if outcome.error:
            run.note(NoAnswerError(outcome.error) if outcome.silent else DnsError(outcome.error))
            failed |= {scope.name for scope in plan.scopes}
    return failed


PUBLISHED = {"+": "published", "~": "changed", "-": "removed", "=": "registered"}


def only_keys(plan: ZonePlan) -> ZonePlan:
    return replace(plan, changes=tuple(each for each in plan.changes if "_domainkey" in each.id.name.split(".")))


def due_at(
    run: Course, mailhost: MailHost, scope: Scope, keys: tuple[Pair, ...], refused: set[str]
) -> list[tuple[str, Due]]:
    """(domain, what is due) of one host in one domain; what only waits is noted."""
    name = scope.name
    if name not in mailhost.domain_names or name in refused:
        return []
    pairs = tuple(pair for pair in keys if pair.domain == name)
    signer = (mailhost.name, name)
    try:
        servers = servers_of(name, scope.updates)
        waits = Waits.of(mailhost, name, negative_ttl(name, servers))
        seen = shown(pairs, servers)
    except DnsError as error:
        run.note(error)
        return []
    begin = signer not in run.begun and run.begin(mailhost, name, pairs)
    dues = course(pairs, seen, waits, begin)
    run.begun.add(signer)
    run.waiting[signer] = [due for due in dues if not due.step]
    return [(name, due) for due in dues if due.step]


def take(run: Course, mailhost: MailHost, dues: list[tuple[str, Due]]) -> bool:
    """Has the host take its steps, in one visit."""
    if not dues:
        return False
    asked = [
        {"step": due.step, "domain": domain, "rsa": due.pair.rsa if due.pair else "", "wait": due.seconds}
        for domain, due in dues
    ]
    try:
        done = run_on(mailhost, STEP, json.dumps(asked), seconds=STEP_SECONDS)
    except HostError as error:
        run.note(error)
        return False
    if done.returncode:
        run.note(DnsError(f"{mailhost.name}: {done.stderr.strip() or f'exits {done.returncode}'}"))
        return False
    lines: list[str] = json.loads(done.stdout)
    for line in lines:
        run.progress(f"{mailhost.name}: {line}")
    return bool(lines)
