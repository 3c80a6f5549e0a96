"""DANE: the digests of the keys that a host's TLS ports serve (RFC 7672, RFC 7673)."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, SetId, record_set
from ironpost.mailhost import MailHost
from ironpost.mailhost.member import RoleName

# Mail from other servers; submission; IMAP and POP3 (RFC 8314 §4.5.4 asks for those of the client ports).
PORTS: dict[RoleName, tuple[int, ...]] = {"mx": (25,), "submission": (465, 587), "mailbox": (993, 995)}


def ports_of(mailhost: MailHost) -> tuple[int, ...]:
    """Where a host with these roles serves its certificate to mail."""
    return tuple(port for role, ports in PORTS.items() if role in mailhost.roles for port in ports)


def tlsa_sets(mailhost: MailHost, tellings: Tellings) -> Iterator[RecordSet]:
    """One set for each port: 3 1 1, the key itself (RFC 7671 §5.1), the current one and the next beside it (§8.1)."""
    told = tellings.get(mailhost.name)
    for port in ports_of(mailhost):
        name = f"_{port}._tcp.{mailhost.name}"
        reason = f"DANE: the keys that port {port} serves now and next (RFC {7672 if port == 25 else 7673})"
        if told is None:
            yield RecordSet(SetId(name, "TLSA"), None, reason, signed_only=True)
        elif told.tls:
            values = tuple(f"3 1 1 {key.sha256}" for key in told.tls)
            yield record_set(name, "TLSA", values, reason, signed_only=True)
