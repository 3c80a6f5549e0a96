"""TLS as far as the server's first flight, written by hand: no library here that could refuse before the server does.

RFC 5246 §7.4 (TLS 1.2), RFC 8446 §4.1 (TLS 1.3).
"""

from __future__ import annotations

import os
import struct
from typing import Any

from .wire import ProbeError, Wire

VERSIONS = {"TLSv1": 0x0301, "TLSv1.1": 0x0302, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}
SHA1 = (0x0203, 0x0201)
SHA224 = (0x0303, 0x0301)
SIGNATURES = (0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, *SHA224, *SHA1)
X25519, P256, X25519MLKEM768 = 0x001D, 0x0017, 0x11EC
GROUPS = (X25519, P256, 0x0018, 0x0019)
# secp192r1, secp224r1, secp256k1, sect233r1, secp160r1, and finite fields of 2048 bits (RFC 8422 §5.1.1, RFC 7919).
WEAK_GROUPS = (0x0013, 0x0015, 0x0016, 0x0007, 0x0010, 0x0100)
EXTENDED_MASTER_SECRET = 23  # RFC 7627
TLS13_SUITES = (0x1302, 0x1303, 0x1301)
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
NAMES = {
    0xC02C: "ECDHE-ECDSA-AES256-GCM-SHA384",
    0xC030: "ECDHE-RSA-AES256-GCM-SHA384",
    0xCCA9: "ECDHE-ECDSA-CHACHA20-POLY1305",
    0xCCA8: "ECDHE-RSA-CHACHA20-POLY1305",
    0xC02B: "ECDHE-ECDSA-AES128-GCM-SHA256",
    0xC02F: "ECDHE-RSA-AES128-GCM-SHA256",
    0x009C: "AES128-GCM-SHA256",
    0x009D: "AES256-GCM-SHA384",
    0x002F: "AES128-SHA",
    0x0035: "AES256-SHA",
    0x000A: "DES-CBC3-SHA",
    0xC013: "ECDHE-RSA-AES128-SHA",
    0xC014: "ECDHE-RSA-AES256-SHA",
    0xC009: "ECDHE-ECDSA-AES128-SHA",
    0xC00A: "ECDHE-ECDSA-AES256-SHA",
    0xC023: "ECDHE-ECDSA-AES128-SHA256",
    0xC024: "ECDHE-ECDSA-AES256-SHA384",
    0xC0AC: "ECDHE-ECDSA-AES128-CCM",
    0xC0AD: "ECDHE-ECDSA-AES256-CCM",
    0xC0AE: "ECDHE-ECDSA-AES128-CCM8",
    0xC0AF: "ECDHE-ECDSA-AES256-CCM8",
    0xC05C: "ECDHE-ECDSA-ARIA128-GCM-SHA256",
    0xC05D: "ECDHE-ECDSA-ARIA256-GCM-SHA384",
    0x00A7: "ADH-AES256-GCM-SHA384",
    0x00A6: "ADH-AES128-GCM-SHA256",
    0xC019: "AECDH-AES256-SHA",
    0xC018: "AECDH-AES128-SHA",
}
ANONYMOUS = (
    0x00A7, 0x00A6, 0xC019, 0xC018, 0xC017, 0xC016, 0xC015, 0x0018, 0x001A, 0x001B, 0x0034, 0x003A, 0x006C, 0x006D,
    0x0046, 0x0089, 0x00BF, 0x00C5, 0x009B,
)  # fmt: skip
NULL = (0x0001, 0x0002, 0x003B, 0xC006, 0xC010, 0xC001, 0xC00B)
SUITES = (
    *(code for code in NAMES if code not in ANONYMOUS),
    0xC027, 0xC028, 0xC072, 0xC073, 0xC076, 0xC077, 0xC007, 0xC008, 0xC011, 0xC012, 0xC060, 0xC061,  # other ECDHE
    0x009E, 0x009F, 0xCCAA, 0x0033, 0x0039, 0x0067, 0x006B, 0x0016, 0x0045, 0x0088, 0x00BE, 0x00C4,  # DHE
    0xC09E, 0xC09F, 0xC0A2, 0xC0A3, 0xC052, 0xC053, 0x009A,
    0x003C, 0x003D, 0x0041, 0x0084, 0x00BA, 0x00C0, 0x0096, 0x0004, 0x0005, 0x0007, 0x0009,  # static RSA
    0xC09C, 0xC09D, 0xC0A0, 0xC0A1, 0xC050, 0xC051,
)  # fmt: skip


def client_hello(
    name: str,
    version: str,
    suites: tuple[int, ...],
    signatures: tuple[int, ...] = SIGNATURES,
    groups: tuple[int, ...] = GROUPS,
) -> bytes:
    """A record with a ClientHello that offers this version and nothing above or below it.

    It offers compression, which no server may take (RFC 9325 §3.3); TLS 1.3 forbids even the offer (RFC 8446 §4.1.2).
    Without a name it names no server.
    """
    number = VERSIONS[version]
    body = struct.pack(">H", min(number, 0x0303)) + os.urandom(32) + vector(1, os.urandom(32))
    body += vector(2, words(suites) + b"\x00\xff")  # RFC 5746: secure renegotiation is signalled
    body += vector(1, b"\x00" if number == 0x0304 else b"\x01\x00")
    body += vector(2, extensions(name, number, signatures, groups))
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + vector(2, handshake)


def extensions(name: str, number: int, signatures: tuple[int, ...], groups: tuple[int, ...]) -> bytes:
    found = extension(0, vector(2, b"\x00" + vector(2, name.encode()))) if name else b""
    found += extension(10, vector(2, words(groups))) + extension(11, b"\x01\x00")
    found += extension(EXTENDED_MASTER_SECRET, b"")
    if number >= 0x0303:
        found += extension(13, vector(2, words(signatures)))
    if number == 0x0304:
        found += extension(43, vector(1, words((number,))))
        # A key for the one group that needs no arithmetic; for others the server asks in a second hello.
        share = words((X25519,)) + vector(2, os.urandom(32)) if X25519 in groups else b""
        found += extension(51, vector(2, share))
    return found


def extension(number: int, content: bytes) -> bytes:
    return struct.pack(">H", number) + vector(2, content)


def vector(size: int, content: bytes) -> bytes:
    return len(content).to_bytes(size, "big") + content


def words(numbers: tuple[int, ...]) -> bytes:
    return b"".join(struct.pack(">H", number) for number in numbers)


def flight(wire: Wire, hello: bytes) -> dict[str, Any]:
    """What the server answers: {alert} or {version, suite, signature}; {closed} when it says nothing of TLS."""
    wire.send(hello)
    handshake, data = b"", b""
    while True:
        while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
            more = wire.receive()
            if not more:
                return answer_of(handshake) or {"closed": True}
            data += more
        kind, record, data = (
            data[0],
            data[5 : 5 + int.from_bytes(data[3:5], "big")],
            data[5 + int.from_bytes(data[3:5], "big") :],
        )
        if kind == 21:
            return answer_of(handshake) or {"alert": record[1] if len(record) == 2 else 0}
        if kind != 22:  # encrypted from here on: TLS 1.3 has answered in the first record
            return answer_of(handshake) or {"closed": True}
        handshake += record
        found = answer_of(handshake)
        if found and (found["version"] == "TLSv1.3" or found["complete"]):
            return found


def answer_of(handshake: bytes) -> dict[str, Any] | None:
    """The ServerHello, and of the ServerKeyExchange the algorithm that it is signed with; None before there is one."""
    found: dict[str, Any] | None = None
    while len(handshake) >= 4 and len(handshake) >= 4 + int.from_bytes(handshake[1:4], "big"):
        kind, size = handshake[0], int.from_bytes(handshake[1:4], "big")
        body, handshake = handshake[4 : 4 + size], handshake[4 + size :]
        if kind == 2:
            found = server_hello(body)
        elif kind == 12 and found:
            found["signature"] = signature_of(body, found["version"])
            found["group"] = struct.unpack(">H", body[1:3])[0] if body[:1] == b"\x03" else None
        elif kind == 14 and found:
            found["complete"] = True
    return found


def server_hello(body: bytes) -> dict[str, Any]:
    number = struct.unpack(">H", body[:2])[0]
    start = 35 + body[34]
    suite = struct.unpack(">H", body[start : start + 2])[0]
    found = extensions_of(body[start + 5 :])
    if 43 in found:
        number = struct.unpack(">H", found[43][:2])[0]
    version = next((name for name, value in VERSIONS.items() if value == number), hex(number))
    return {
        "version": version,
        "suite": suite_name(suite),
        "code": suite,
        "signature": None,
        "complete": False,
        "group": struct.unpack(">H", found[51][:2])[0] if 51 in found else None,
        "compression": body[start + 2],
        "extended_master_secret": EXTENDED_MASTER_SECRET in found,
        "secure_renegotiation": 0xFF01 in found,
    }


def extensions_of(rest: bytes) -> dict[int, bytes]:
    found = {}
    while len(rest) >= 4:
        kind, size = struct.unpack(">HH", rest[:4])
        found[kind] = rest[4 : 4 + size]
        rest = rest[4 + size :]
    return found


def signature_of(body: bytes, version: str) -> int | None:
    """The SignatureAndHashAlgorithm of an ECDHE key exchange of TLS 1.2 (RFC 4492 §5.4)."""
    if version != "TLSv1.2" or not body or body[0] != 3:
        return None
    start = 4 + body[3]
    return int(struct.unpack(">H", body[start : start + 2])[0]) if len(body) >= start + 2 else None


def suite_name(code: int) -> str:
    return NAMES.get(code, f"0x{code:04X}")


__all__ = ["ANONYMOUS", "NULL", "SHA1", "SHA224", "SUITES", "TLS13_SUITES", "ProbeError", "client_hello", "flight"]
