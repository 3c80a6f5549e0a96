"""The record sets that a fleet needs, from its settings alone. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ironpost.dns.recordset import RecordSet, SetId, record_set
from ironpost.errors import DnsError
from ironpost.mailhost import Domain, MailHost
from ironpost.settings import Rfc2136

MX_PREFERENCE = 10

# Host name → (domain, selector) → value of p=; None for a host that could not be read.
PublicKeys = Mapping[str, Mapping[tuple[str, str], str] | None]


@dataclass(frozen=True)
class Scope:
    """A name, with all below it, in which record sets are published: a mail domain, or the pointer of an address.

    `updates` is None where the inventory gives no way to publish. `mailhosts` are the hosts that it is about, the
    first one being the one whose settings name the key.
    """

    name: str
    updates: Rfc2136 | None
    mailhosts: tuple[MailHost, ...]
    sets: tuple[RecordSet, ...]

    @property
    def unread(self) -> tuple[str, ...]:
        """Names of sets whose values are not known now."""
        return tuple(each.id.name for each in self.sets if each.values is None)


def scopes(mailhosts: tuple[MailHost, ...], keys: PublicKeys) -> tuple[Scope, ...]:
    """What is wanted in each domain and at each pointer. Raises DnsError where two hosts contradict each other."""
    names = dict.fromkeys(name for mailhost in mailhosts for name in mailhost.domain_names)
    domains = [domain_scope(name, mailhosts, keys) for name in names]
    return (*domains, *(scope for mailhost in mailhosts for scope in pointer_scopes(mailhost)))


def domain_scope(name: str, mailhosts: tuple[MailHost, ...], keys: PublicKeys) -> Scope:
    """The mail domain's own records, and those of the hosts whose names lie in it."""
    serving = tuple(mailhost for mailhost in mailhosts if name in mailhost.domain_names)
    lodging = tuple(mailhost for mailhost in mailhosts if home(mailhost, mailhosts) == name)
    sets = [found for mailhost in lodging for found in host_sets(mailhost, mailhosts)]
    sets += domain_sets(serving[0].domain(name), serving)
    sets += [dkim_set(*place, keys) for place in selectors(name, serving)]
    with_key = sorted(serving, key=lambda mailhost: mailhost.domain(name).dns is None)
    about = dict.fromkeys((with_key[0].name, *(each.name for each in (*serving, *lodging))))
    by_name = {mailhost.name: mailhost for mailhost in mailhosts}
    updates = with_key[0].domain(name).dns
    return Scope(name, updates, tuple(by_name[each] for each in about), tuple(unrepeated(sets)))


def home(mailhost: MailHost, mailhosts: tuple[MailHost, ...]) -> str | None:
    """The fleet's domain in which the host's own name lies: the longest one. None if it is somebody else's."""
    names = {name for other in mailhosts for name in other.domain_names}
    found = [name for name in names if f".{mailhost.name}".endswith(f".{name}")]
    return max(found, key=len, default=None)


def host_sets(mailhost: MailHost, mailhosts: tuple[MailHost, ...]) -> Iterator[RecordSet]:
    why = "the mail host's address, which its MX and its pointer lead to"
    if mailhost.ipv4:
        yield record_set(mailhost.name, "A", (mailhost.ipv4,), why)
    if mailhost.ipv6:
        yield record_set(mailhost.name, "AAAA", (mailhost.ipv6,), why)
    if mailhost.name not in {name for other in mailhosts for name in other.domain_names}:
        why = "SPF of the name in HELO, under which bounces are judged (RFC 7208 §2.3)"
        yield record_set(mailhost.name, "TXT", ("v=spf1 a -all",), why, "spf")


def domain_sets(domain: Domain, serving: tuple[MailHost, ...]) -> Iterator[RecordSet]:
    targets = tuple(f"{MX_PREFERENCE} {mailhost.name}." for mailhost in serving)
    yield record_set(domain.name, "MX", targets, "where mail for the domain goes (RFC 5321 §5.1)")
    why = "SPF: who sends in the domain's name (RFC 7208)"
    yield record_set(domain.name, "TXT", (f"v=spf1 mx {domain.spf}",), why, "spf")
    reports = domain.dmarc_reports or serving[0].admin
    policy = f"v=DMARC1; p={domain.dmarc_policy}; rua=mailto:{reports}"
    why = "DMARC: what receivers do with mail that only claims to be from here (RFC 9989)"
    yield record_set(f"_dmarc.{domain.name}", "TXT", (policy,), why, "dmarc")


def selectors(name: str, serving: tuple[MailHost, ...]) -> Iterator[tuple[str, str, str, tuple[str, ...]]]:
    """(domain, selector, kind, names of the hosts that sign with it) for each key of a domain."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for mailhost in serving:
        for key in mailhost.domain(name).dkim_keys:
            place = (key.selector, key.kind)
            found[place] = (*found.get(place, ()), mailhost.name)
    for (selector, kind), hosts in found.items():
        yield name, selector, kind, hosts


def dkim_set(domain: str, selector: str, kind: str, hosts: tuple[str, ...], keys: PublicKeys) -> RecordSet:
    """One public key. Each host makes its own keys, so that two with one selector would break each other's mail."""
    wanted = SetId(f"{selector}._domainkey.{domain}", "TXT")
    known = [(keys.get(host) or {}).get((domain, selector)) for host in hosts]
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


def pointer_scopes(mailhost: MailHost) -> Iterator[Scope]:
    """The pointer of each address, where the reverse zone is ours: receivers refuse senders without one."""
    for address in mailhost.addresses if mailhost.reverse_dns else ():
        name = ipaddress.ip_address(address).reverse_pointer
        why = f"the pointer of {address}: receivers refuse hosts without one"
        yield Scope(name, mailhost.reverse_dns, (mailhost,), (record_set(name, "PTR", (f"{mailhost.name}.",), why),))


def unrepeated(sets: list[RecordSet]) -> Iterator[RecordSet]:
    """Each set once. Raises DnsError when two with different values claim one place."""
    found: dict[SetId, RecordSet] = {}
    for each in sets:
        if found.setdefault(each.id, each).values != each.values:
            raise DnsError(f"{each.id}: two settings want different values; correct the inventory")
    yield from found.values()
