"""SPF: who sends in the name of a domain, and in the name that a host says in HELO."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import PublicKeys
from ironpost.dns.recordset import RecordSet, record_set
from ironpost.mailhost import Domain, MailHost


def helo_sets(mailhost: MailHost, told: PublicKeys) -> Iterator[RecordSet]:
    """The host's own name; where it is a mail domain as well, the domain's policy stands there."""
    why = "SPF of the name in HELO, under which bounces are judged (RFC 7208 §2.3)"
    yield record_set(mailhost.name, "TXT", ("v=spf1 a -all",), why, "spf")


def spf_sets(domain: Domain, serving: tuple[MailHost, ...], told: PublicKeys) -> Iterator[RecordSet]:
    why = "SPF: who sends in the domain's name (RFC 7208)"
    yield record_set(domain.name, "TXT", (f"v=spf1 mx {domain.spf}",), why, "spf")
