"""The keys of each host and what they wait for, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ironpost.dkim.course import Due, span
from ironpost.dkim.rotate import Course
from ironpost.dns.records.pairs import Pair
from ironpost.dns.records.told import Tellings
from ironpost.mailhost import MailHost

WORDS = {
    "next": "born, waits for the name servers",
    "published": "published, signs soon",
    "signing": "signs",
    "retiring": "signs no more, still verifies",
    "revoked": "revoked",
}


def status_lines(mailhosts: tuple[MailHost, ...], told: Tellings) -> Iterator[str]:
    """One line for each pair of each domain."""
    for mailhost in mailhosts:
        for pair in pairs_of(told, mailhost):
            yield f"{mailhost.name}  {pair.domain}  {' '.join(pair.selectors)}  {described(pair)}"
        for domain in mailhost.domains:
            if domain.dkim.test_wait_seconds is not None:
                yield shortened(mailhost, domain.name)


def pairs_of(told: Tellings, mailhost: MailHost) -> tuple[Pair, ...]:
    known = told.get(mailhost.name)
    return known.dkim if known else ()


def described(pair: Pair) -> str:
    return f"{WORDS[pair.state]}, for {span(pair.age)}; born {span(pair.born)} ago"


def shortened(mailhost: MailHost, domain: str) -> str:
    return (
        f"{mailhost.name}: {domain} has test_wait_seconds, with which mail on its way may fail; take it out of Dkim(…)"
    )


def waiting_lines(run: Course) -> Iterator[str]:
    """What each signer waits for, or that nothing is under way."""
    for (host, domain), dues in run.waiting.items():
        yield from (f"{host}: {domain}: {due.why}" for due in dues)
        if not dues:
            yield f"{host}: {domain}: no rotation is under way"


def status_json(mailhosts: tuple[MailHost, ...], told: Tellings) -> list[dict[str, Any]]:
    return [
        {"mailhost": mailhost.name, "pairs": pairs_json(told, mailhost) if told.get(mailhost.name) else None}
        for mailhost in mailhosts
    ]


def pairs_json(told: Tellings, mailhost: MailHost) -> list[dict[str, Any]]:
    return [
        {
            "domain": pair.domain,
            "state": pair.state,
            "seconds": pair.age,
            "born_seconds": pair.born,
            "selectors": {key.kind: key.selector for key in pair.keys},
        }
        for pair in pairs_of(told, mailhost)
    ]


def waiting_json(run: Course) -> list[dict[str, Any]]:
    return [
        {"mailhost": host, "domain": domain, "waiting": [due_json(due) for due in dues]}
        for (host, domain), dues in run.waiting.items()
    ]


def due_json(due: Due) -> dict[str, Any]:
    return {"why": due.why, "seconds": None if due.blocked else round(due.seconds), "blocked": due.blocked}
