"""A domain's MTA-STS policy (RFC 8461 §3.2), and the id that tells others when it has changed."""

from __future__ import annotations

import hashlib

from ironpost.mailhost.domain import Domain

# Seconds that other servers remember a policy: RFC 8461 §3.2 means weeks. The longer, the less an attacker gains by
# keeping a sender from fetching it; a withdrawal should be forgotten soon (§8.3).
MAX_AGE = {"testing": 604_800, "enforce": 1_209_600, "none": 86_400}
ID_DIGITS = 24


def policy(domain: Domain) -> str:
    """The text of the policy; every MX host by its own name, no patterns. A withdrawn one needs no names."""
    mode = domain.mta_sts or "none"
    hosts = [] if mode == "none" else [f"mx: {name}" for name in domain.exchangers]
    return "\n".join(["version: STSv1", f"mode: {mode}", *hosts, f"max_age: {MAX_AGE[mode]}"]) + "\n"


def policy_id(domain: Domain) -> str:
    """Another id for another text; its first letter is the mode's (n, t, e), which a later plan reads in DNS."""
    text = policy(domain)
    return f"{(domain.mta_sts or 'none')[0]}{hashlib.sha256(text.encode()).hexdigest()[:ID_DIGITS]}"
