"""What a domain asks of those who write to it: its MTA-STS policy (RFC 8461), and reports on TLS (RFC 8460)."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, record_set
from ironpost.mailhost import Domain, MailHost
from ironpost.mailhost.sts import policy_id

MODES = {
    "none": "takes its policy back; the record may go when none is remembered any more (RFC 8461 §8.3)",
    "testing": "has a policy that is only tried: what would be refused stands in reports; then write enforce",
    "enforce": "has a policy: mail comes over verified TLS or not at all",
}


def policy_sets(domain: Domain, serving: tuple[MailHost, ...], told: Tellings) -> Iterator[RecordSet]:
    if domain.mta_sts:
        why = f"MTA-STS: the domain {MODES[domain.mta_sts]}"
        yield record_set(f"_mta-sts.{domain.name}", "TXT", (f"v=STSv1; id={policy_id(domain)}",), why, "sts")
    reports = domain.tls_reports or serving[0].admin
    why = "TLSRPT: where other servers tell which of them could not deliver over verified TLS (RFC 8460 §3)"
    yield record_set(f"_smtp._tls.{domain.name}", "TXT", (f"v=TLSRPTv1; rua=mailto:{reports}",), why, "tlsrpt")
