"""SRV: where mail programs find their services, and which of them are not to be used (RFC 6186, RFC 8314 §5.1)."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, record_set
from ironpost.mailhost import Domain, MailHost

# Service → priority, port. IMAP before POP3 where a program speaks both (RFC 6186 §3.4).
INSIDE_TLS = {"_submissions": (0, 465), "_imaps": (0, 993), "_pop3s": (10, 995)}
MAILBOXES = ("_imaps", "_pop3s")
# Service → the word of `cleartext_ports` that opens it, priority, port.
WITH_STARTTLS = {"_submission": ("", 0, 0), "_imap": ("imap", 20, 143), "_pop3": ("pop3", 30, 110)}
SIEVE_PORT = 4190  # RFC 5804 §1.8
NONE = ("0 0 0 .",)  # decidedly not available (RFC 2782)


def service_sets(domain: Domain, serving: tuple[MailHost, ...], told: Tellings) -> Iterator[RecordSet]:
    """Mailboxes are named where one host has all of a domain: a program that finds the wrong one finds no mailbox."""
    sending = tuple(mailhost for mailhost in serving if mailhost.is_submission)
    keeping = tuple(mailhost for mailhost in serving if mailhost.is_mailbox)
    found = keeping if len(keeping) == 1 or not any(mailhost.inner for mailhost in keeping) else ()
    for service, (priority, port) in INSIDE_TLS.items():
        hosts = found if service in MAILBOXES else sending
        values = tuple(f"{priority} 1 {port} {mailhost.name}." for mailhost in hosts)
        if not values:
            continue
        why = f"where programs find {service.strip('_')}, TLS from the first byte (RFC 8314 §3)"
        yield record_set(f"{service}._tcp.{domain.name}", "SRV", values, why)
    for service, (word, priority, port) in WITH_STARTTLS.items():
        open_at = tuple(f"{priority} 1 {port} {each.name}." for each in serving if word in each.cleartext_ports)
        why = f"nobody is led to {service.strip('_')}, where TLS begins later and can be prevented (RFC 8314 §3)"
        opened = f"{service.strip('_')} with STARTTLS, after the services inside TLS (RFC 6186)"
        yield record_set(f"{service}._tcp.{domain.name}", "SRV", open_at or NONE, opened if open_at else why)
    sieve = tuple(f"0 1 {SIEVE_PORT} {each.name}." for each in serving if "managesieve" in each.cleartext_ports)
    if sieve:
        yield record_set(f"_sieve._tcp.{domain.name}", "SRV", sieve, "where filters are edited (RFC 5804 §1.8)")
