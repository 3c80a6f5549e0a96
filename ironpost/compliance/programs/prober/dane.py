"""TLSA records as a validating resolver gives them, by a DNS client of a few lines (RFC 1035, RFC 6698, RFC 6840)."""

from __future__ import annotations

import os
import re
import socket
import struct
from pathlib import Path
from typing import Any

TLSA, SECONDS, ATTEMPTS = 52, 5.0, 2
RECURSION_AND_AD = 0x0120  # RD, and AD: "tell me whether you validated" (RFC 6840 §5.7)
AD, TRUNCATED = 0x0020, 0x0200


class NoAnswerError(OSError):
    """No resolver of this machine answered."""


def look(name: str, ports: tuple[int, ...]) -> dict[str, Any]:
    """Port → {secure, code, records}; `secure` is the resolver's AD bit, a record [usage, selector, matching, hex]."""
    return {str(port): asked(f"_{port}._tcp.{name}") for port in ports}


def asked(name: str) -> dict[str, Any]:
    try:
        reply = exchange(name)
        return understood(reply)
    except (OSError, struct.error, IndexError) as error:
        return {"error": f"{name} TLSA: {error}"}


def resolvers() -> list[str]:
    text = Path("/etc/resolv.conf").read_text()
    return re.findall(r"^nameserver\s+(\S+)", text, re.M) or ["127.0.0.1"]


def exchange(name: str) -> bytes:
    """The reply of the first resolver that answers; by TCP when it does not fit (RFC 7766)."""
    number = os.urandom(2)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = number + struct.pack("!5H", RECURSION_AND_AD, 1, 0, 0, 0) + labels + struct.pack("!B2H", 0, TLSA, 1)
    for server in resolvers() * ATTEMPTS:
        family = socket.AF_INET6 if ":" in server else socket.AF_INET
        try:
            reply = by_udp(family, server, question)
            if struct.unpack("!H", reply[2:4])[0] & TRUNCATED:
                reply = by_tcp(family, server, question)
        except OSError:
            continue
        if reply[:2] == number:
            return reply
    raise NoAnswerError("no resolver of the vantage point answers")


def by_udp(family: int, server: str, question: bytes) -> bytes:
    with socket.socket(family, socket.SOCK_DGRAM) as wire:
        wire.settimeout(SECONDS)
        wire.connect((server, 53))
        wire.send(question)
        return wire.recv(4096)


def by_tcp(family: int, server: str, question: bytes) -> bytes:
    with socket.socket(family, socket.SOCK_STREAM) as wire:
        wire.settimeout(SECONDS)
        wire.connect((server, 53))
        wire.sendall(struct.pack("!H", len(question)) + question)
        lines = wire.makefile("rb")
        return lines.read(struct.unpack("!H", lines.read(2))[0])


def understood(reply: bytes) -> dict[str, Any]:
    _, flags, questions, answers = struct.unpack("!4H", reply[:8])
    at, records = 12, []
    for _ in range(questions):
        at = after_name(reply, at) + 4
    for _ in range(answers):
        at = after_name(reply, at)
        kind, _, _, length = struct.unpack("!HHIH", reply[at : at + 10])
        data, at = reply[at + 10 : at + 10 + length], at + 10 + length
        if kind == TLSA:
            records.append([data[0], data[1], data[2], data[3:].hex()])
    return {"secure": bool(flags & AD), "code": flags & 0xF, "records": sorted(records)}


def after_name(reply: bytes, at: int) -> int:
    """Behind a name, which ends in the root label or in a pointer (RFC 1035 §4.1.4)."""
    while reply[at]:
        if reply[at] & 0xC0 == 0xC0:
            return at + 2
        at += reply[at] + 1
    return at + 1
