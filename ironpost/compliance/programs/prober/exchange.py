"""What else a port does in TLS: order of suites, groups, compression, tickets, names; and mail without TLS."""

from __future__ import annotations

import base64
import ssl
from typing import Any

from . import hello
from .tls import part, refused
from .wire import STARTTLS, Wire, greeted, hello_name, ready_for_tls

# The weaker of the six good suites first: a server that minds its own order takes another one.
BACKWARDS = (0xC02B, 0xC02F, 0xCCA9, 0xCCA8, 0xC02C, 0xC030)
WRONG_NAME = "somebody-else.invalid"


def look(address: str, port: int, name: str) -> dict[str, Any]:
    """Everything about one port of one address. A part that did not come about is {"error": …}."""

    def attempt(version: str, suites: tuple[int, ...], groups: tuple[int, ...] = hello.GROUPS) -> dict[str, Any]:
        with ready_for_tls(address, port) as wire:
            return hello.flight(wire, hello.client_hello(name, version, suites, groups=groups))

    order = part(attempt, "TLSv1.2", BACKWARDS)
    absent = refused(order)
    first = part(session, address, port, name)
    error = {"error": first["error"]} if "error" in first else None
    return {
        "order": order,
        "weak_groups": {
            "TLSv1.2": absent or part(attempt, "TLSv1.2", hello.SUITES, hello.WEAK_GROUPS),
            # A certificate with a key on P-256 is served in TLS 1.2 only to those who know that curve (RFC 8422 §5.1).
            "TLSv1.2 beside P-256": absent or part(attempt, "TLSv1.2", hello.SUITES, (*hello.WEAK_GROUPS, hello.P256)),
            "TLSv1.3": part(attempt, "TLSv1.3", hello.TLS13_SUITES, hello.WEAK_GROUPS),
        },
        "hybrid": part(attempt, "TLSv1.3", hello.TLS13_SUITES, (hello.X25519MLKEM768,)),
        "tickets": error or {"seconds": first["seconds"]},
        # What a client may say in SNI: the right name, none, and a wrong one.
        "names": {
            "right": error or {"leaf": first["leaf"]},
            "none": part(leaf, address, port, None),
            "wrong": part(leaf, address, port, WRONG_NAME),
        },
    }


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


def session(address: str, port: int, name: str) -> dict[str, Any]:
    """The leaf that comes for the right name, and for how many seconds its session may be resumed; 0 without tickets.

    They come with the first words after TLS.
    """
    with ready_for_tls(address, port) as wire:
        wire.start_tls(name)
        leaf_seen = base64.b64encode(wire.socket.getpeercert(binary_form=True) or b"").decode()
        if STARTTLS.get(port) == "smtp":
            wire.ask(f"EHLO {hello_name()}")
        else:
            wire.line()
        resumable = wire.socket.session
        ticket = bool(resumable and resumable.has_ticket)
        return {"seconds": resumable.ticket_lifetime_hint if ticket else 0, "leaf": leaf_seen}


def without_tls(address: str, domain: str) -> dict[str, Any]:
    """What port 25 says to a letter for the postmaster that comes without TLS; it is not sent."""
    with Wire(address, 25) as wire:
        greeted(wire)
        replies = {}
        for command in ("MAIL FROM:<>", f"RCPT TO:<postmaster@{domain}>"):
            code, lines = wire.ask(command)
            replies[command.split()[0]] = [code, " ".join(lines)]
        return replies
