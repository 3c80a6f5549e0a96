"""What a domain publishes that never mails, so that nobody else mails in its name."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.recordset import RecordSet, record_set


def parked_sets(name: str) -> Iterator[RecordSet]:
    yield record_set(name, "MX", ("0 .",), "takes no mail: senders are told at once (RFC 7505)")
    yield record_set(name, "TXT", ("v=spf1 -all",), "SPF: nobody sends in this name (RFC 7208 §10.1.2)", "spf")
    policy = "v=DMARC1; p=reject; sp=reject"
    yield record_set(f"_dmarc.{name}", "TXT", (policy,), "DMARC: what claims to be from here is false", "dmarc")
    why = "DKIM: every key of this domain is revoked (RFC 6376 §3.6.1)"
    yield record_set(f"*._domainkey.{name}", "TXT", ("v=DKIM1; p=",), why)
