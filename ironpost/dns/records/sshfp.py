"""SSHFP: by which key the host shows itself to those who administer it (RFC 4255)."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, SetId, record_set
from ironpost.mailhost import MailHost

# RFC 4255 §3.1.1, RFC 6594 §5, RFC 7479 §3; what else a host may have is not told.
ALGORITHMS = {"ssh-rsa": 1, "ecdsa-sha2-nistp256": 3, "ssh-ed25519": 4}
SHA256 = 2


def sshfp_sets(mailhost: MailHost, tellings: Tellings) -> Iterator[RecordSet]:
    told = tellings.get(mailhost.name)
    reason = "the keys by which the host's sshd is known (RFC 4255; `ssh -o VerifyHostKeyDNS=yes`)"
    if told is None:
        yield RecordSet(SetId(mailhost.name, "SSHFP"), None, reason, signed_only=True)
        return
    known = [key for key in told.ssh if key.kind in ALGORITHMS]
    values = tuple(f"{ALGORITHMS[key.kind]} {SHA256} {key.sha256}" for key in known)
    if values:
        yield record_set(mailhost.name, "SSHFP", values, reason, signed_only=True)
