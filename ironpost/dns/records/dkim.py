"""DKIM: the public halves of the keys that sign in a domain's name."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, SetId, record_set
from ironpost.errors import DnsError
from ironpost.mailhost import Domain, MailHost


def dkim_sets(domain: Domain, serving: tuple[MailHost, ...], told: Tellings) -> Iterator[RecordSet]:
    for selector, kind, hosts in selectors(domain.name, serving):
        yield dkim_set(domain.name, selector, kind, hosts, told)


def selectors(name: str, serving: tuple[MailHost, ...]) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """(selector, kind, names of the hosts that sign with it) for each key of a domain."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for mailhost in serving:
        for key in mailhost.domain(name).dkim_keys:
            place = (key.selector, key.kind)
            found[place] = (*found.get(place, ()), mailhost.name)
    for (selector, kind), hosts in found.items():
        yield selector, kind, hosts


def dkim_set(domain: str, selector: str, kind: str, hosts: tuple[str, ...], told: Tellings) -> RecordSet:
    """One public key. Each host makes its own keys, so that two with one selector would break each other's mail."""
    wanted = SetId(f"{selector}._domainkey.{domain}", "TXT")
    known = [each.dkim.get((domain, selector)) if (each := told.get(host)) else None for host in hosts]
    values = {value for value in known if value}
    if len(values) > 1:
        raise DnsError(
            f"{domain}: {' and '.join(hosts)} sign with different keys under the selector {selector}; "
            "give each host selectors of its own"
        )
    reason = f"DKIM: the {kind} key with which {', '.join(hosts)} signs (RFC {8463 if kind == 'ed25519' else 6376})"
    if not values or None in known:
        return RecordSet(wanted, None, reason)
    return record_set(wanted.name, "TXT", (f"v=DKIM1; k={kind}; p={values.pop()}",), reason)
