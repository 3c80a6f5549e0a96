"""The web server of a domain's policy, asked as another mail server asks (RFC 8461 §3.3)."""

from __future__ import annotations

import ssl
from typing import Any

from . import hello
from .tls import accepted, part
from .wire import SOURCES, ProbeError, Wire

__all__ = ["SOURCES", "policy"]
PATH = "/.well-known/mta-sts.txt"
OLD = (*hello.SUITES, *hello.ANONYMOUS)


def policy(address: str, name: str) -> dict[str, Any]:
    """The policy, what stands at /, what speaks against the certificate, and which TLS is answered."""
    problem = None
    try:
        get(address, name, PATH, ssl.create_default_context())
    except ssl.SSLCertVerificationError as error:
        problem = error.verify_message
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE

    def attempt(version: str, suites: tuple[int, ...]) -> dict[str, Any]:
        with Wire(address, 443) as wire:
            return hello.flight(wire, hello.client_hello(name, version, suites))

    found = get(address, name, PATH, careless)
    return {
        "problem": problem,
        "policy": found,
        "top": get(address, name, "/", careless)["status"],
        "versions": {version: part(attempt, version, OLD) for version in ("TLSv1", "TLSv1.1")},
        "suites": part(accepted, attempt),
    }


def get(address: str, name: str, path: str, context: ssl.SSLContext) -> dict[str, Any]:
    """{status, kind, text} of one request. Raises what the handshake raises."""
    with Wire(address, 443) as wire:
        wire.socket = context.wrap_socket(wire.socket, server_hostname=name)
        wire.send(f"GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
        head, _, body = wire.rest().partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) < 2 or not words[1].isdigit():
        raise ProbeError(f"port 443: {name} answers no HTTP")
    headers = {key.strip().lower(): value.strip() for key, _, value in (field.partition(":") for field in fields)}
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return {"status": int(words[1]), "kind": kind, "text": body.decode("utf-8", "replace")}
