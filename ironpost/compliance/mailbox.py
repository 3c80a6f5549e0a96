"""The verifier as a user of a mail host: logs in with the probe login over verified TLS, writes and reads."""

from __future__ import annotations

import contextlib
import email.policy
import email.utils
import imaplib
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

from ironpost.evidence.letters import Reply
from ironpost.mailhost import MailHost
from ironpost.settings import ProbeLogin

SECONDS = 20
ARRIVAL_SECONDS = 60  # rspamd's first scan after a start takes several; on a busy host half a minute
FOLDERS = ("INBOX", "Junk")


class MailboxError(Exception):
    """The mailbox could not be used; the text says why, and that is why evidence is missing."""


class Expecting(ssl.SSLContext):
    """Verifies the certificate against the host's name although the connection was made to its address."""

    name: str

    def wrap_socket(self, sock: socket.socket, **options: Any) -> ssl.SSLSocket:  # type: ignore[override]
        return super().wrap_socket(sock, **(options | {"server_hostname": self.name}))


def login_of(mailhost: MailHost) -> ProbeLogin:
    if mailhost.probe is None:
        raise MailboxError(f"{mailhost.name} has no probe login; add probe=ProbeLogin(…) to it")
    return mailhost.probe


def context(mailhost: MailHost, at: MailHost) -> ssl.SSLContext:
    """Trusts the system's authorities, or the one that the probe login names."""
    made = Expecting(ssl.PROTOCOL_TLS_CLIENT)
    authority = login_of(mailhost).authority
    if authority:
        made.load_verify_locations(cafile=str(mailhost.file(authority)))
    else:
        made.load_default_certs()
    made.name = at.name
    return made


@contextlib.contextmanager
def submission(mailhost: MailHost) -> Iterator[smtplib.SMTP]:
    """A session on port 465, logged in."""
    login = login_of(mailhost)
    with smtplib.SMTP_SSL(mailhost.addresses[0], 465, context=context(mailhost, mailhost), timeout=SECONDS) as session:
        session.ehlo_or_helo_if_needed()
        session.login(login.address, mailhost.secret(login.password).read())
        yield session


def submit(mailhost: MailHost, message: EmailMessage) -> None:
    """Raises smtplib's errors, which carry the reply."""
    with submission(mailhost) as session:
        session.send_message(message, from_addr=login_of(mailhost).address)


def reply_to(session: smtplib.SMTP, sender: str, recipient: str) -> Reply:
    """What an envelope of these two gets: the first refusal, or the reply to RCPT. The session is reset."""
    code, text = session.mail(sender)
    if code < 400:
        code, text = session.rcpt(recipient)
    session.rset()
    return Reply(code, text.decode("utf-8", "replace"))


def arrived(mailhost: MailHost, token: str, at: MailHost | None = None) -> tuple[str, bytes]:
    """(folder, message) of the letter that holds the token; it is deleted. Raises MailboxError when none comes.

    `at` is the host of the fleet that has the mailbox of the probe login, if it is another one.
    """
    login, home = login_of(mailhost), at or mailhost
    tls = context(mailhost, home)
    with imaplib.IMAP4_SSL(home.addresses[0], 993, ssl_context=tls, timeout=SECONDS) as session:
        session.login(login.address, mailhost.secret(login.password).read())
        until = time.monotonic() + ARRIVAL_SECONDS
        while time.monotonic() < until:
            for folder in FOLDERS:
                raw = taken(session, folder, token)
                if raw is not None:
                    return folder, raw
            time.sleep(0.5)
    raise MailboxError(f"{login.address}: the letter did not arrive within {ARRIVAL_SECONDS} s; see the host's queue")


def taken(session: imaplib.IMAP4, folder: str, token: str) -> bytes | None:
    """The message in that folder that holds the token, removed from there; None when there is none."""
    status, _ = session.select(folder)
    if status != "OK":
        return None
    _, found = session.uid("SEARCH", "TEXT", token)
    uids = (found[0] or b"").split()
    if not uids:
        return None
    _, parts = session.uid("FETCH", uids[0].decode(), "(RFC822)")
    # Between the parts may stand what other sessions did meanwhile (RFC 9051 §7.5.2): flags, without a literal.
    raw = next((part[1] for part in parts if isinstance(part, tuple)), None)
    if raw is not None:
        session.uid("STORE", uids[0].decode(), "+FLAGS", r"(\Deleted)")
        session.expunge()
    return raw


def letter(sender: str, recipient: str, token: str) -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = sender, recipient, f"ironpost verify {token}"
    message["Date"] = email.utils.localtime()
    message["Message-ID"] = f"<{token}@{sender.partition('@')[2]}>"
    message["Reply-To"] = sender
    message.set_content("Written and removed by `ironpost verify`.\n")
    return message
