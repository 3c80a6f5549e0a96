"""DKIM: the public halves of the keys that sign in a domain's name, will sign, or have signed."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.pairs import Pair, SigningKey, place
from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, SetId, record_set
from ironpost.errors import DnsError
from ironpost.mailhost import Domain, MailHost

REASONS = {
    "next": "the {kind} key with which {host} will sign",
    "published": "the {kind} key with which {host} will sign",
    "signing": "the {kind} key with which {host} signs",
    "retiring": "the {kind} key with which {host} signed, kept for what is on its way",
    "revoked": "a {kind} key of {host} that is revoked (RFC 6376 §3.6.1)",
}


def dkim_sets(domain: Domain, serving: tuple[MailHost, ...], told: Tellings) -> Iterator[RecordSet]:
    """The sets of all hosts that serve a domain; for one that could not be read, one whose values are not known."""
    owners: dict[str, str] = {}
    for mailhost in serving:
        if not mailhost.sends:
            continue
        known = told.get(mailhost.name)
        found = [
            (pair, key) for pair in (known.dkim if known else ()) if pair.domain == domain.name for key in pair.keys
        ]
        if not found:
            yield unknown(domain.name, mailhost.name)
        for pair, key in found:
            if owners.setdefault(key.selector, mailhost.name) != mailhost.name:
                raise DnsError(
                    f"{domain.name}: {owners[key.selector]} and {mailhost.name} sign under one selector, "
                    f"{key.selector}; give each host selectors of its own"
                )
            yield dkim_set(mailhost.name, pair, key)


def dkim_set(host: str, pair: Pair, key: SigningKey) -> RecordSet:
    reason = "DKIM: " + REASONS[pair.state].format(kind=key.kind, host=host)
    if pair.state != "revoked":
        reason += f" (RFC {8463 if key.kind == 'ed25519' else 6376})"
    if not key.public and pair.state != "revoked":
        return RecordSet(SetId(place(key.selector, pair.domain), "TXT"), None, reason)
    return record_set(place(key.selector, pair.domain), "TXT", (pair.value(key),), reason)


def unknown(domain: str, host: str) -> RecordSet:
    """Stands for all keys of a host that cannot be read, so that none of them is taken for left over."""
    return RecordSet(SetId(f"_domainkey.{domain}", "TXT"), None, f"DKIM: the keys of {host}, which tells none now")
