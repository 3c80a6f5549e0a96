"""Mail that goes on to elsewhere, as the tests of it look at it."""

from __future__ import annotations

import time
from email.message import EmailMessage

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import at_outside, letter, parsed, wait_for, write_from_outside
from ironpost.lab.people import FORWARDS
from tests.lab.test_mail import fresh

FORWARDERS = [
    pytest.param("mx1", "frieda@example.org", id="trixie"),
    pytest.param("mx2", "fred@example.com", id="bookworm"),
]
both = pytest.mark.parametrize(("host", "address"), FORWARDERS)


def keeps_copy(address: str) -> bool:
    return FORWARDS[address.partition("@")[0]][1]


def folders(lab: Lab, host: str, address: str, subject: str) -> list[str]:
    """Where a message lies, by the files of the mailbox itself."""
    name, _, domain = address.partition("@")
    found = lab.run(
        host, f"grep -rlF --exclude='dovecot*' 'Subject: {subject}' /var/vmail/{domain}/{name}/Maildir || true"
    ).stdout
    return ["Junk" if "/.Junk/" in line else "INBOX" for line in found.split()]


def nothing_under_way(lab: Lab, host: str, subject: str) -> None:
    """The message was taken and is in no queue; what could have been forwarded has been."""

    def idle() -> bool | None:
        return "Mail queue is empty" in lab.run(host, "postqueue -p").stdout or None

    wait_for(idle, f"{host}: the queue does not empty for {subject!r}")
    time.sleep(1)


def reached_bob(lab: Lab, subject: str) -> bool:
    found = lab.run("outside", f"grep -rlE '^Subject: {subject}$' /home/bob/Maildir/new /home/bob/Maildir/cur || true")
    return bool(found.stdout.strip())


def forwarded(lab: Lab, host: str, address: str) -> EmailMessage:
    subject = fresh("forwarded")
    write_from_outside(lab, "carol", letter("carol@example.net", address, subject))
    return parsed(at_outside(lab, "bob", subject))


def return_path(message: EmailMessage) -> str:
    return str(message["Return-Path"]).strip("<>")


def chain_holds(lab: Lab, raw: bytes) -> tuple[str, str]:
    """What dkimpy says of the ARC chain (RFC 8617): the result, and whose seal is last."""
    import dkim
    import dns.resolver

    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [lab.resolver]

    def look_up(name: bytes, timeout: int = 5) -> bytes:
        return b"".join(resolver.resolve(name.decode(), "TXT", lifetime=timeout)[0].strings)

    text = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    result, rows, _ = dkim.arc_verify(text, dnsfunc=look_up)
    newest = max(rows, key=lambda row: int(row["instance"]), default=None)
    return result.decode(), newest["as-domain"].decode() if newest else ""


def arrived_in(lab: Lab, host: str, address: str, subject: str) -> list[str]:
    return wait_for(lambda: folders(lab, host, address, subject) or None, f"{address}: {subject!r} did not arrive")


def write_as_stranger(lab: Lab, host: str, address: str, message: EmailMessage) -> None:
    """Straight to port 25, with the null sender, from an address that no SPF record names."""
    program = (
        "import smtplib, sys; "
        f"smtplib.SMTP('{lab.host(host).ipv4}').sendmail('', ['{address}'], sys.stdin.buffer.read())"
    )
    lab.run("stranger", f'python3 -c "{program}"', input=message.as_string())
