"""What else a port does in TLS: order of suites, groups, compression, tickets, names; and mail without TLS."""

from __future__ import annotations

import base64
import ssl
from typing import Any

from . import hello
from .tls import part
from .wire import STARTTLS, Wire, greeted, hello_name, ready_for_tls

# The weaker of the six good suites first: a server that minds its own order takes another one.
BACKWARDS = (0xC02B, 0xC02F, 0xCCA9, 0xCCA8, 0xC02C, 0xC030)
WRONG_NAME = "somebody-else.invalid"


def look(address: str, port: int, name: str) -> dict[str, Any]:
    """Everything about one port of one address. A part that did not come about is {"error": …}."""

    def attempt(version: str, suites: tuple[int, ...], groups: tuple[int, ...] = hello.GROUPS) -> dict[str, Any]:
        with ready_for_tls(address, port) as wire:
            return hello.flight(wire, hello.client_hello(name, version, suites, groups=groups))

    return {
        "order": part(attempt, "TLSv1.2", BACKWARDS),
        "weak_groups": {
            "TLSv1.2": part(attempt, "TLSv1.2", hello.SUITES, hello.WEAK_GROUPS),
            # A certificate with a key on P-256 is served in TLS 1.2 only to those who know that curve (RFC 8422 §5.1).
            "TLSv1.2 beside P-256": part(attempt, "TLSv1.2", hello.SUITES, (*hello.WEAK_GROUPS, hello.P256)),
            "TLSv1.3": part(attempt, "TLSv1.3", hello.TLS13_SUITES, hello.WEAK_GROUPS),
        },
        "hybrid": part(attempt, "TLSv1.3", hello.TLS13_SUITES, (hello.X25519MLKEM768,)),
        "tickets": part(tickets, address, port, name),
        "names": {label: part(leaf, address, port, asked) for label, asked in names(name).items()},
    }


def names(name: str) -> dict[str, str | None]:
    """What a client may say in SNI: the right name, none, and a wrong one."""
    return {"right": name, "none": None, "wrong": WRONG_NAME}


def careless() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def leaf(address: str, port: int, name: str | None) -> dict[str, Any]:
    """The certificate that comes for a name (DER, base64)."""
    with ready_for_tls(address, port) as wire:
        wire.socket = careless().wrap_socket(wire.socket, server_hostname=name)
        return {"leaf": base64.b64encode(wire.socket.getpeercert(binary_form=True) or b"").decode()}


def tickets(address: str, port: int, name: str) -> dict[str, Any]:
    """How long a session may be resumed, in seconds; 0 without tickets. They come with the first words after TLS."""
    with ready_for_tls(address, port) as wire:
        wire.start_tls(name)
        if STARTTLS.get(port) == "smtp":
            wire.ask(f"EHLO {hello_name()}")
        else:
            wire.line()
        session = wire.socket.session
        ticket = bool(session and session.has_ticket)
        return {"seconds": session.ticket_lifetime_hint if ticket else 0}


def without_tls(address: str, domain: str) -> dict[str, Any]:
    """What port 25 says to a letter for the postmaster that comes without TLS; it is not sent."""
    with Wire(address, 25) as wire:
        greeted(wire)
        replies = {}
        for command in ("MAIL FROM:<>", f"RCPT TO:<postmaster@{domain}>"):
            code, lines = wire.ask(command)
            replies[command.split()[0]] = [code, " ".join(lines)]
        return replies
