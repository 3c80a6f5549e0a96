"""DMARC: what receivers do with mail that only claims to be from a domain, and where they report it."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import PublicKeys
from ironpost.dns.recordset import RecordSet, record_set
from ironpost.mailhost import Domain, MailHost


def dmarc_sets(domain: Domain, serving: tuple[MailHost, ...], told: PublicKeys) -> Iterator[RecordSet]:
    reports = domain.dmarc_reports or serving[0].admin
    policy = f"v=DMARC1; p={domain.dmarc_policy}; rua=mailto:{reports}"
    why = "DMARC: what receivers do with mail that only claims to be from here (RFC 9989)"
    yield record_set(f"_dmarc.{domain.name}", "TXT", (policy,), why, "dmarc")
