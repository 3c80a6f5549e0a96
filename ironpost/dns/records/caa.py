"""CAA: which authorities may issue certificates for a host's name (RFC 8659)."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, record_set
from ironpost.mailhost import MailHost


def caa_sets(mailhost: MailHost, told: Tellings) -> Iterator[RecordSet]:
    """At the host's own name, never above it: the authorities of other people's web sites are not ours to choose.

    Wildcards and S/MIME certificates are nobody's to issue here (RFC 8659 §4.3, RFC 9495).
    """
    if not mailhost.certificate_authorities:
        return
    issuers = tuple(f'0 issue "{authority}"' for authority in mailhost.certificate_authorities)
    values = (*issuers, '0 issuewild ";"', '0 issuemail ";"', f'0 iodef "mailto:{mailhost.admin}"')
    yield record_set(mailhost.name, "CAA", values, "who may issue certificates for this name (RFC 8659)")
