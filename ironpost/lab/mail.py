"""People of the test network, writing and reading real mail: what a mail program does, in few words."""

from __future__ import annotations

import base64
import email
import email.policy
import email.utils
import imaplib
import poplib
import shlex
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any, TypeVar

from ironpost.lab.lab import Lab, LabError
from ironpost.lab.people import password

Found = TypeVar("Found")
SECONDS = 40  # for a message to arrive: rspamd's first scan after a start takes several


class Expecting(ssl.SSLContext):
    """Verifies the certificate against a name although the connection was made to an address.

    The controller need not use the lab's resolver.
    """

    name: str

    def wrap_socket(self, sock: socket.socket, **options: Any) -> ssl.SSLSocket:  # type: ignore[override]
        return super().wrap_socket(sock, **(options | {"server_hostname": self.name}))


def trust(lab: Lab, host: str, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    """A context that trusts the lab's authority alone, expects that host's name, and speaks at most `newest`."""
    context = Expecting(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=str(lab.root_certificate))
    context.name = lab.host(host).fqdn
    context.maximum_version = newest
    return context


def letter(sender: str, recipient: str, subject: str, text: str = "Hello from the test network.\n") -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = sender, recipient, subject
    message["Date"] = email.utils.localtime()
    message["Message-ID"] = f"<{time.monotonic_ns():x}@{sender.partition('@')[2]}>"
    message.set_content(text)
    return message


def submissions(lab: Lab, host: str, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3, port: int = 465) -> smtplib.SMTP:
    """A session on port 465 (TLS from the first byte) or on 587 or 25 (STARTTLS), greeted, before any login."""
    server = lab.host(host)
    if port == 465:
        return smtplib.SMTP_SSL(server.ipv4, port, context=trust(lab, host, newest), timeout=20)
    session = smtplib.SMTP(server.ipv4, port, timeout=20)
    session.starttls(context=trust(lab, host, newest))
    return session


def submit(lab: Lab, host: str, message: EmailMessage, login: str | None = None, envelope: str | None = None) -> None:
    """Sends a message as its author does: logged in, on 465. Raises smtplib's errors, which carry the reply."""
    author = login or str(message["From"])
    with submissions(lab, host) as session:
        session.login(author, password(lab.directory, author))
        session.send_message(message, from_addr=envelope or author)


def write_from_outside(lab: Lab, user: str, message: EmailMessage) -> None:
    """The outside operator's user hands a message to their own server."""
    command = f"runuser -u {shlex.quote(user)} -- sendmail -i -f {user}@example.net {shlex.quote(str(message['To']))}"
    lab.run("outside", command, input=message.as_bytes(policy=email.policy.default).decode())


def tls_spoken(lab: Lab, host: str, mx: str) -> str:
    """How a host's Postfix last reached that MX host, in its words: Verified where DANE or MTA-STS asked for it."""

    def look() -> str | None:
        text = lab.run(host, "journalctl -q -o cat -t postfix/smtp -n 400").stdout
        found = [line for line in text.splitlines() if f"TLS connection established to {mx}[" in line]
        return found[-1] if found else None

    return wait_for(look, f"{host}: no connection to {mx} yet")


def by_imap(lab: Lab, host: str, address: str, subject: str, folder: str = "INBOX") -> EmailMessage:
    """The message with that subject, as IMAPS on 993 gives it; waits for it to arrive."""

    def look() -> EmailMessage | None:
        with imaplib.IMAP4_SSL(lab.host(host).ipv4, ssl_context=trust(lab, host), timeout=20) as session:
            session.login(address, password(lab.directory, address))
            session.select(folder, readonly=True)
            _, [numbers] = session.search(None, "SUBJECT", f'"{subject}"')
            if not numbers:
                return None
            _, parts = session.fetch(numbers.split()[-1].decode(), "(RFC822)")
            return parsed(parts[0][1])  # type: ignore[index,arg-type]

    return wait_for(look, f"{address}: no message {subject!r} in {folder} over IMAPS")


def by_pop3(lab: Lab, host: str, address: str, subject: str) -> EmailMessage:
    """The message with that subject, as POP3S on 995 gives it."""

    def look() -> EmailMessage | None:
        session = poplib.POP3_SSL(lab.host(host).ipv4, context=trust(lab, host), timeout=20)
        try:
            session.user(address)
            session.pass_(password(lab.directory, address))
            for number in range(session.stat()[0], 0, -1):
                message = parsed(b"\r\n".join(session.retr(number)[1]) + b"\r\n")
                if message["Subject"] == subject:
                    return message
            return None
        finally:
            session.quit()

    return wait_for(look, f"{address}: no message {subject!r} over POP3S")


def at_outside(lab: Lab, user: str, subject: str) -> bytes:
    """The message with that subject in the outside user's mailbox, byte for byte as it was delivered."""
    pattern = shlex.quote(f"^Subject: {subject}$")
    # base64, so that line ends and bytes beyond ASCII survive the way here
    script = f"file=$(grep -rlE {pattern} /home/{user}/Maildir/new /home/{user}/Maildir/cur 2>/dev/null | head -n 1)"
    script += '; [ -n "$file" ] && base64 -w0 "$file" || true'

    def look() -> bytes | None:
        found = lab.run("outside", script).stdout.strip()
        return base64.b64decode(found) if found else None

    return wait_for(look, f"{user}@example.net: no message {subject!r} was delivered")


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def verified_signatures(lab: Lab, raw: bytes) -> dict[str, bool]:
    """Each DKIM signature checked by dkimpy against the lab's DNS: algorithm → whether it holds."""
    import dkim
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [lab.resolver]

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        answer = resolver.resolve(name.decode(), "TXT", lifetime=timeout)
        return b"".join(answer[0].strings)

    checker = dkim.DKIM(raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    count = sum(1 for name, _ in checker.headers if name.lower() == b"dkim-signature")
    results = {}
    for index in range(count):
        holds = checker.verify(idx=index, dnsfunc=look_up)
        results[checker.signature_fields[b"a"].decode()] = holds
    return results


def wait_for(look: Callable[[], Found | None], otherwise: str) -> Found:
    """Asks again and again, for SECONDS at most."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        found = look()
        if found is not None:
            return found
        time.sleep(0.5)
    raise LabError(f"{otherwise} within {SECONDS} s; look at the queues and logs of the hosts")
