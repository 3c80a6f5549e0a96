"""Logins with a token over SMTP, IMAP and POP3 (RFC 7628 §3, §4), and what each server says to them."""

from __future__ import annotations

import base64
import contextlib
import imaplib
import poplib

from ironpost.lab import Lab
from ironpost.lab.mail import submissions, trust

MECHANISMS = ("OAUTHBEARER", "XOAUTH2")
PATIENCE = 60


def message(user: str, token: str, mechanism: str = "OAUTHBEARER") -> bytes:
    """The first message of the client."""
    head = f"n,a={user},\x01" if mechanism == "OAUTHBEARER" else f"user={user}\x01"
    return f"{head}auth=Bearer {token}\x01\x01".encode()


def by_smtp(lab: Lab, host: str, user: str, token: str, mechanism: str = "OAUTHBEARER") -> tuple[int, str]:
    """The last reply. What would make the command longer than 512 octets is sent by itself (RFC 4954 §4)."""
    with submissions(lab, host) as session:
        assert session.sock
        session.sock.settimeout(PATIENCE)
        session.ehlo()
        said = base64.b64encode(message(user, token, mechanism)).decode()
        code, text = session.docmd("AUTH", f"{mechanism} {said}" if len(said) < 2000 else mechanism)
        if code == 334 and len(said) >= 2000:
            code, text = session.docmd(said)
        if code == 334:
            code, text = session.docmd("AQ==")
        return code, text.decode()


def by_imap(lab: Lab, host: str, user: str, token: str, mechanism: str = "OAUTHBEARER") -> str:
    with imaplib.IMAP4_SSL(lab.host(host).ipv4, ssl_context=trust(lab, host), timeout=PATIENCE) as session:
        said = iter((message(user, token, mechanism), b"\x01"))
        try:
            return session.authenticate(mechanism, lambda _: next(said))[0]
        except imaplib.IMAP4.error as error:
            return str(error)


def by_pop3(lab: Lab, host: str, user: str, token: str, mechanism: str = "OAUTHBEARER") -> str:
    session = poplib.POP3_SSL(lab.host(host).ipv4, context=trust(lab, host), timeout=PATIENCE)
    try:
        reply = session._shortcmd(f"AUTH {mechanism}").decode()
        for step in (message(user, token, mechanism), b"\x01"):
            if not reply.startswith("+ "):
                break
            reply = session._shortcmd(base64.b64encode(step).decode()).decode()
        return reply
    except poplib.error_proto as error:
        return bytes(error.args[0]).decode()
    finally:
        with contextlib.suppress(OSError):
            session.close()


def everywhere(lab: Lab, host: str, user: str, token: str) -> tuple[int, str, str]:
    """What the three of them say."""
    return (
        by_smtp(lab, host, user, token)[0],
        by_imap(lab, host, user, token),
        by_pop3(lab, host, user, token),
    )
