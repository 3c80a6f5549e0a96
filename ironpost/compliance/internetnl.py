"""The mail test of internet.nl, point by point: what its scores would be, on our own evidence.

Points and categories are those of its code (version 1.11.2, checks/categories.py and scoring.py): a category's score is
the whole part of 100 × points ÷ maximum of its mandatory subtests. A subtest has its points here when every control
that stands for it holds; where it would give a part of the points, ours gives none. RPKI is the network provider's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from ironpost.compliance.proof import Judged
from ironpost.controls.control import Control

# Category → subtest → points. `dane_exists` and `dane_valid` share one score, which is counted twice.
CATEGORIES: dict[str, dict[str, int]] = {
    "IPv6": {"ns_reach": 10, "mx_reach": 10},
    "DNSSEC": {"dnssec_valid": 10},
    "Authentication": {"dmarc": 10, "dmarc_policy": 10, "dkim": 10, "spf": 10, "spf_policy": 10},
    "TLS": {
        "starttls_exists": 10,
        "tls_version": 10,
        "tls_ciphers": 10,
        "tls_cipher_order": 10,
        "fs_params": 10,
        "tls_compression": 10,
        "renegotiation_secure": 10,
        "zero_rtt": 10,
        "extended_master_secret": 10,
        "kex_hash_func": 10,
        "cert_pubkey": 10,
        "cert_signature": 10,
        "dane_exists": 10,
        "dane_valid": 10,
    },
}
RPKI = "RPKI"
PREFIX = "mail test: "


@dataclasses.dataclass(frozen=True)
class Score:
    """One category on one mail host: percent, the subtests that lack points, and those that nothing stands for."""

    mailhost: str
    category: str
    percent: int
    lost: tuple[str, ...]
    unseen: tuple[str, ...]


def stands_for(control: Control) -> tuple[str, ...]:
    """The subtests that a control answers."""
    return tuple(
        mapping.clause.removeprefix(PREFIX)
        for mapping in control.mappings
        if mapping.text == "internet.nl" and mapping.clause.startswith(PREFIX)
    )


def scores(judged: Iterable[Judged]) -> Iterator[Score]:
    """Every category of every mail host."""
    rows = tuple(judged)
    for mailhost in dict.fromkeys(each.mailhost for each in rows):
        answers: dict[str, list[Judged]] = {}
        for each in (row for row in rows if row.mailhost == mailhost):
            for subtest in stands_for(each.control):
                answers.setdefault(subtest, []).append(each)
        for category, subtests in CATEGORIES.items():
            yield score(mailhost, category, subtests, answers)


def score(mailhost: str, category: str, subtests: dict[str, int], answers: dict[str, list[Judged]]) -> Score:
    lost = tuple(name for name in subtests if any(not passes(each) for each in answers.get(name, [])))
    unseen = tuple(name for name in subtests if name not in answers)
    points = sum(worth for name, worth in subtests.items() if name not in (*lost, *unseen))
    return Score(mailhost, category, 100 * points // sum(subtests.values()), lost, unseen)


def passes(each: Judged) -> bool:
    """A waiver moves nothing there; what does not apply (TLS 1.2 on a host without it) costs nothing there either."""
    return each.state in ("holds", "not applicable")


def lines(judged: Iterable[Judged]) -> Iterator[str]:
    """The scores for people, worst words first."""
    found = tuple(scores(judged))
    for mailhost in dict.fromkeys(each.mailhost for each in found):
        yield f"internet.nl, mail test of {mailhost}:"
        for each in (row for row in found if row.mailhost == mailhost):
            told = f"  lost: {', '.join(each.lost)}" if each.lost else ""
            told += f"  not looked at: {', '.join(each.unseen)}" if each.unseen else ""
            yield f"  {each.category:<15} {each.percent:>3} %{told}"
        yield f"  {RPKI:<15}   – provider only: route origins are signed by the owner of the addresses"
