"""Asks the running rspamd, as Postfix does, with which selectors it signs (milter protocol 6, sendmail's mfdef.h)."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator

SOCKET = "/run/rspamd/milter.sock"
SECONDS = 10
OFFER = struct.pack("!III", 6, 0x1FF, 0)
LOOPBACK = b"localhost\0" + b"4" + struct.pack("!H", 25) + b"127.0.0.1\0"


def selectors(domain: str) -> set[str]:
    """s= of each signature that it puts under a letter of this machine. Raises OSError when it does not answer."""
    sender = f"<postmaster@{domain}>".encode()
    steps = [
        (b"C", LOOPBACK),
        (b"H", b"localhost\0"),
        (b"M", sender + b"\0"),
        (b"R", sender + b"\0"),
        *((b"L", b"%s\0%s\0" % field) for field in ((b"From", sender), (b"To", sender), (b"Subject", b"which key?"))),
        (b"N", b""),
        (b"B", b"Who signs this?\r\n"),
    ]
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(SECONDS)
        stream.connect(SOCKET)
        send(stream, b"O", OFFER)
        packet(stream)  # in which rspamd says, whatever it was offered, that it answers to the end of the letter alone
        for command, content in steps:
            send(stream, command, content)
        send(stream, b"E", b"")
        found = {selector for content in changes(stream) for selector in signed_by(content)}
        send(stream, b"Q", b"")
    return found


def send(stream: socket.socket, command: bytes, content: bytes) -> None:
    stream.sendall(struct.pack("!I", len(content) + 1) + command + content)


def packet(stream: socket.socket) -> tuple[bytes, bytes]:
    (length,) = struct.unpack("!I", exactly(stream, 4))
    content = exactly(stream, length)
    return content[:1], content[1:]


def exactly(stream: socket.socket, count: int) -> bytes:
    content = b""
    while len(content) < count:
        part = stream.recv(count - len(content))
        if not part:
            raise OSError("rspamd closed the connection")
        content += part
    return content


def changes(stream: socket.socket) -> Iterator[bytes]:
    """Header fields that it adds (h) or inserts (i), until it says what becomes of the letter."""
    while True:
        command, content = packet(stream)
        if command in (b"h", b"i"):
            yield content
        elif command not in (b"m", b"p", b"+", b"-"):
            return


def signed_by(content: bytes) -> list[str]:
    text = content.decode("utf-8", "replace")
    return re.findall(r"[;\s]s=([a-z0-9-]+)", text) if "dkim-signature" in text.lower() else []
