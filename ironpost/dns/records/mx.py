"""MX: which hosts take a domain's mail, and in which order they are tried."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, record_set
from ironpost.mailhost import Domain, MailHost


def mx_sets(domain: Domain, serving: tuple[MailHost, ...], told: Tellings) -> Iterator[RecordSet]:
    targets = tuple(f"{mailhost.mx_preference} {mailhost.name}." for mailhost in serving if mailhost.is_mx)
    yield record_set(domain.name, "MX", targets, "where mail for the domain goes (RFC 5321 §5.1)")
