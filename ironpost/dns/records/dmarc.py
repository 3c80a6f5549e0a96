"""DMARC: what receivers do with mail that only claims to be from a domain, and where they report it."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, record_set
from ironpost.mailhost import Domain, MailHost


def dmarc_sets(domain: Domain, serving: tuple[MailHost, ...], told: Tellings) -> Iterator[RecordSet]:
    reports = ",".join(f"mailto:{address}" for address in report_addresses(domain, serving))
    # strict: a signature or an envelope of another name of the same owner does not count (RFC 9989)
    alignment = "adkim=s; aspf=s; " if domain.dmarc_alignment == "strict" else ""
    policy = f"v=DMARC1; p={domain.dmarc_policy}; {alignment}rua={reports}"
    why = "DMARC: what receivers do with mail that only claims to be from here (RFC 9989)"
    yield record_set(f"_dmarc.{domain.name}", "TXT", (policy,), why, "dmarc")


def report_addresses(domain: Domain, serving: tuple[MailHost, ...]) -> tuple[str, ...]:
    return domain.dmarc_reports or (serving[0].admin,)


def strangers(domain: Domain, serving: tuple[MailHost, ...]) -> Iterator[str]:
    """Domains that get the reports and are neither above nor below: they must agree (RFC 9990).

    Two names under one registered domain need no agreement; one more is harmless there.
    """
    for address in report_addresses(domain, serving):
        there = address.rpartition("@")[2]
        if not f".{there}".endswith(f".{domain.name}") and not f".{domain.name}".endswith(f".{there}"):
            yield there


def agreement(domain: str, there: str) -> RecordSet:
    """By which one domain says that it wants another one's reports."""
    why = f"DMARC: reports on {domain} are welcome here (RFC 9990)"
    return record_set(f"{domain}._report._dmarc.{there}", "TXT", ("v=DMARC1",), why, "dmarc")
