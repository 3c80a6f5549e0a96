"""Names that the small web server answers: the policy's (RFC 8461 §3.3), and those of settings for mail programs."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, record_set
from ironpost.mailhost import Domain, MailHost
from ironpost.mailhost.web import sites


def web_sets(domain: Domain, serving: tuple[MailHost, ...], told: Tellings) -> Iterator[RecordSet]:
    """Every host that takes the domain's mail answers under each of them: one that is away keeps nobody waiting."""
    answering = tuple(mailhost for mailhost in serving if mailhost.is_mx)
    ipv4 = tuple(mailhost.ipv4 for mailhost in answering if mailhost.ipv4)
    ipv6 = tuple(mailhost.ipv6 for mailhost in answering if mailhost.ipv6)
    for site in sites(domain):
        why = f"where {REASONS[site.name.partition('.')[0]]}"
        if ipv4:
            yield record_set(site.name, "A", ipv4, why)
        if ipv6:
            yield record_set(site.name, "AAAA", ipv6, why)


REASONS = {
    "mta-sts": "other servers fetch the policy for mail to this domain (RFC 8461 §3.3)",
    "autoconfig": "Thunderbird finds its settings",
    "autodiscover": "Outlook finds its settings",
}
