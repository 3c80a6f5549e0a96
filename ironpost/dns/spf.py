"""Joins two SPF policies, so that those who send for a domain today go on passing (RFC 7208 §4.6)."""

from __future__ import annotations

import re

ALL = re.compile(r"[+?~-]?all", re.IGNORECASE)


def merged_spf(ours: str, theirs: tuple[str, ...]) -> str:
    """Their terms in their order, then ours that lack; their `all` or `redirect=` goes on deciding the rest."""
    found = [term for policy in theirs for term in policy.split()[1:]]
    wanted = ours.split()[1:]
    terms = [term for term in dict.fromkeys(found) if not final(term)]
    terms += [term for term in wanted if not final(term) and term not in terms]
    last = [term for term in found if final(term)] or [term for term in wanted if final(term)]
    return " ".join(("v=spf1", *terms, *last[-1:]))


def final(term: str) -> bool:
    """What decides when no other term matched; nothing behind `all` is looked at (RFC 7208 §5.1)."""
    return bool(ALL.fullmatch(term)) or term.lower().startswith("redirect=")
