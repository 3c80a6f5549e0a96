"""The prober's proof of itself, on the very machine that it runs on: what is weak on purpose must look weak.

A prober that cannot speak TLS 1.0 would find it refused everywhere. What does not prove itself gives no evidence.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading

from . import hello
from .wire import ProbeError, Wire

WEAK_SUITE = 0x002F  # AES128-SHA with static RSA


def unproven() -> list[str]:
    """What the prober is not able to see, in words; none where all is well."""
    found = []
    for version in hello.VERSIONS:
        try:
            seen = met(version)
        except (ProbeError, OSError, ValueError, LookupError, struct.error) as error:
            found.append(f"{version} cannot be spoken from here ({error or type(error).__name__})")
            continue
        if seen.get("version") != version or seen.get("code") != WEAK_SUITE:
            found.append(f"{version} with a weak suite is not recognised from here ({seen})")
    return found


def met(version: str) -> dict[str, object]:
    """A conversation with a server that takes anything, over a pair of sockets: no port, no address."""
    ours, theirs = socket.socketpair()
    ours.settimeout(5)
    theirs.settimeout(5)
    server = threading.Thread(target=serve, args=(theirs,))
    server.start()
    try:
        with Wire.over(ours) as wire:
            return hello.flight(wire, hello.client_hello("weak.invalid", version, (WEAK_SUITE,)))
    finally:
        server.join()


def serve(connection: socket.socket) -> None:
    """Answers a ClientHello with the version that it offers, read from the bytes and not from our own tables."""
    with connection, contextlib.suppress(OSError, ValueError, struct.error):
        record = connection.recv(16384)
        offered = struct.unpack(">H", record[9:11])[0]  # RFC 8446 §4.1.2: legacy_version
        if b"\x00\x2b\x00\x03\x02\x03\x04" in record:  # supported_versions with TLS 1.3 alone
            offered = 0x0304
        connection.sendall(server_flight(offered))


def server_flight(number: int) -> bytes:
    extra = b"\x00\x2b\x00\x02\x03\x04" if number == 0x0304 else b""
    body = struct.pack(">H", min(number, 0x0303)) + bytes(32) + b"\x00" + struct.pack(">H", WEAK_SUITE) + b"\x00"
    body += struct.pack(">H", len(extra)) + extra
    handshake = b"\x02" + len(body).to_bytes(3, "big") + body + b"\x0e\x00\x00\x00"  # ServerHello, ServerHelloDone
    return b"\x16\x03\x03" + struct.pack(">H", len(handshake)) + handshake
