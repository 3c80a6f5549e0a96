"""For a host that was stolen: its selectors are revoked in DNS at once, and the host itself is not asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from ironpost.dns.apply import Outcome, carry_out
from ironpost.dns.plan import Change, ZonePlan
from ironpost.dns.records import Scope, scopes
from ironpost.dns.records.pairs import REVOKED, place
from ironpost.dns.registry import entries, registry_name
from ironpost.dns.survey import survey
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost

REASON = "revoked at once: whoever holds the private key signs in vain from now on"


def revoke_now(fleet: Fleet, mailhost: MailHost, progress: Callable[[str], None]) -> list[Outcome]:
    """An empty p= in place of every key of this host. What was published by hand is told, to be changed by hand."""
    # Nothing is known of any host here, so that no set but those below changes.
    wanted = [scope for scope in scopes(fleet.mailhosts, {}) if scope.name in mailhost.domain_names]
    for scope in wanted:
        if scope.updates is None:
            example = place(stem(mailhost, scope.name), scope.name)
            progress(f'{scope.name}: has no dns=; set each of {example} TXT to "{REVOKED}" by hand')
    found = survey(wanted, {})
    outcomes = []
    for plan in found.plans:
        changes = [change for scope in plan.scopes for change in revocations(mailhost, scope, plan)]
        outcome = Outcome(replace(plan, changes=tuple(changes)))
        carry_out(outcome, outcome.plan, [change for change in changes if change.pending])
        outcomes.append(outcome)
        for change in outcome.published:
            progress(f"{change.id}: revoked on every name server")
    for sentence in found.errors:
        progress(sentence)
        outcomes.append(failed(wanted, sentence))
    return outcomes


def failed(wanted: list[Scope], sentence: str) -> Outcome:
    """Stands for a zone that could not be read."""
    scope = next(scope for scope in wanted if scope.updates is not None)
    assert scope.updates is not None
    return Outcome(ZonePlan(scope.name, scope.updates, (scope,), (), {}), error=sentence)


def revocations(mailhost: MailHost, scope: Scope, plan: ZonePlan) -> list[Change]:
    registry = registry_name(scope.name)
    rows = entries(registry, plan.seen[registry, "TXT"].values)
    return [
        Change("~", row.id, plan.seen[row.id.name, "TXT"].values, (REVOKED,), REASON, scope.name, row.rule, row.rule)
        for row in rows.values()
        if belongs(mailhost, scope.name, row.id.name)
    ]


def belongs(mailhost: MailHost, domain: str, name: str) -> bool:
    """Whether a name is that of a selector of this host."""
    selector, _, rest = name.partition(".")
    return rest == f"_domainkey.{domain}" and bool(re.fullmatch(stem(mailhost, domain), selector))


def stem(mailhost: MailHost, domain: str) -> str:
    """What the host's selectors in a domain look like (onhost/pairs.py makes them up)."""
    said = mailhost.domain(domain).dkim
    made_up = rf"{re.escape(mailhost.dkim_label(domain))}-\d{{6}}[a-z0-9]{{4}}-[re]"
    return "|".join([made_up, *(each for each in (said.rsa, said.ed25519) if each)])
