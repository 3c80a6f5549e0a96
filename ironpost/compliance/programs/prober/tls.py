"""What a port does in TLS: versions, suites, signatures, and the certificate that it shows."""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from typing import Any

from . import hello
from .wire import ProbeError, ready_for_tls

MOST_SUITES = 40
PROTOCOL_VERSION = 70


def look(address: str, port: int, name: str) -> dict[str, Any]:
    """Everything about one port of one address. A part that did not come about is {"error": …}."""

    def attempt(
        version: str, suites: tuple[int, ...], signatures: tuple[int, ...] = hello.SIGNATURES
    ) -> dict[str, Any]:
        with ready_for_tls(address, port) as wire:
            return hello.flight(wire, hello.client_hello(name, version, suites, signatures))

    old = (*hello.SUITES, *hello.ANONYMOUS)
    versions = {
        version: part(attempt, version, hello.TLS13_SUITES if version == "TLSv1.3" else old)
        for version in hello.VERSIONS
    }
    absent = refused(versions["TLSv1.2"])
    return {
        "versions": versions,
        "suites": [] if absent else part(accepted, attempt),
        "anonymous": absent or part(attempt, "TLSv1.2", (*hello.ANONYMOUS, *hello.NULL)),
        "sha1": absent or part(attempt, "TLSv1.2", hello.SUITES, hello.SHA1),
        "sha224": absent or part(attempt, "TLSv1.2", hello.SUITES, hello.SHA224),
        "certificate": part(certificate, address, port, name),
    }


def refused(answer: dict[str, Any]) -> dict[str, Any] | None:
    """The answer, where it refuses the version itself (RFC 8446 §6.2, protocol_version).

    Then no choice of suites or groups is answered otherwise, and none is asked for: each costs the host a process.
    """
    return answer if answer.get("alert") == PROTOCOL_VERSION else None


def part(work: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return work(*arguments)
    except (ProbeError, OSError) as error:
        return {"error": str(error)}


def accepted(attempt: Callable[..., dict[str, Any]]) -> list[str]:
    """The TLS 1.2 suites that the server takes: it picks one, which is left out the next time, until it refuses."""
    left, found = list(hello.SUITES), []
    for _ in range(MOST_SUITES):
        answer = attempt("TLSv1.2", tuple(left))
        if "code" not in answer or answer["version"] != "TLSv1.2" or answer["code"] not in left:
            break
        left.remove(answer["code"])
        found.append(str(answer["suite"]))
    return found


def certificate(address: str, port: int, name: str) -> dict[str, Any]:
    """The chain as served (DER, base64), and whether this machine's own store of roots trusts it for that name."""
    try:
        return dict(served(address, port, name, ssl.create_default_context()), problem=None)
    except ssl.SSLCertVerificationError as error:
        problem = error.verify_message
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    return dict(served(address, port, name, careless), problem=problem)


def served(address: str, port: int, name: str, context: ssl.SSLContext) -> dict[str, Any]:
    with ready_for_tls(address, port) as wire:
        wire.socket = context.wrap_socket(wire.socket, server_hostname=name)
        leaf = wire.socket.getpeercert(binary_form=True)
        return {
            "version": wire.socket.version(),
            "chain": [base64.b64encode(der).decode() for der in (chain(wire.socket) or [leaf])],
        }


def chain(connection: Any) -> list[bytes]:
    """All certificates that came. Before Python 3.13 only an inner object tells."""
    if hasattr(connection, "get_unverified_chain"):
        return [bytes(der) for der in connection.get_unverified_chain()]
    inner = getattr(connection, "_sslobj", None)
    if inner is None or not hasattr(inner, "get_unverified_chain"):
        return []
    return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in inner.get_unverified_chain()]
