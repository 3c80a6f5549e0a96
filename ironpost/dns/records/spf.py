"""SPF: who sends in the name of a domain, and in the name that a host says in HELO."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, record_set
from ironpost.mailhost import Domain, MailHost


def helo_sets(mailhost: MailHost, told: Tellings) -> Iterator[RecordSet]:
    """The host's own name; where it is a mail domain as well, the domain's policy stands there."""
    why = "SPF of the name in HELO, under which bounces are judged (RFC 7208 §2.3)"
    yield record_set(mailhost.name, "TXT", ("v=spf1 a -all",), why, "spf")


def spf_sets(domain: Domain, serving: tuple[MailHost, ...], told: Tellings) -> Iterator[RecordSet]:
    terms = ("v=spf1", *own_terms(domain, serving), *map(term, domain.also_sends), domain.spf)
    why = "SPF: who sends in the domain's name (RFC 7208)"
    yield record_set(domain.name, "TXT", (" ".join(dict.fromkeys(terms)),), why, "spf")


def own_terms(domain: Domain, serving: tuple[MailHost, ...]) -> tuple[str, ...]:
    """`mx` costs one of ten lookups and follows the hosts by itself; addresses cost none and are fixed.

    Where other hosts send than take mail, only the addresses of those that send are right.
    """
    sending = [mailhost for mailhost in serving if mailhost.sends]
    if not domain.spf_flat and sending == [mailhost for mailhost in serving if mailhost.is_mx]:
        return ("mx",)
    return tuple(term(address) for mailhost in sending for address in mailhost.addresses)


def term(sender: str) -> str:
    """What others publish of themselves is included, never copied: they change it without telling us."""
    try:
        network = ipaddress.ip_network(sender)
    except ValueError:
        return f"include:{sender}"
    single = network.prefixlen == network.max_prefixlen
    return f"ip{network.version}:{network.network_address if single else network}"
