"""DKIM signatures of a letter, verified with nothing but what the authoritative servers show (RFC 6376)."""

from __future__ import annotations

from collections.abc import Callable

import dkim

from ironpost.compliance.nameservers import NameServers
from ironpost.compliance.zone import ask_once
from ironpost.evidence.letters import Signature

SECOND = {"from": b"From: Mallory <mallory@stranger.invalid>\r\n", "subject": b"Subject: something else\r\n"}


def signatures(raw: bytes, servers: NameServers) -> tuple[Signature, ...]:
    """All signatures of a message, in its order."""
    text = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    look_up = looking_up(servers)
    count = sum(1 for name, _ in dkim.DKIM(text).headers if name.lower() == b"dkim-signature")
    return tuple(signature(text, index, look_up) for index in range(count))


def looking_up(servers: NameServers) -> Callable[..., bytes]:
    def look_up(name: bytes, timeout: int = 5) -> bytes:
        place = name.decode().rstrip(".").lower()
        answer = ask_once(servers, servers.of(place)[0], place, "TXT")
        return answer.values[0].encode() if answer.values else b""

    return look_up


def signature(text: bytes, index: int, look_up: Callable[..., bytes]) -> Signature:
    message, holds = verified(text, index, look_up)
    fields = {name.decode(): value.decode() for name, value in (message.signature_fields or {}).items()}
    survives = tuple(
        name for name, line in SECOND.items() if holds and verified(with_second(text, line), index, look_up)[1]
    )
    return Signature(
        algorithm=fields.get("a", ""),
        domain=fields.get("d", "").lower(),
        selector=fields.get("s", ""),
        holds=holds,
        headers=tuple(name.strip().lower() for name in fields.get("h", "").split(":")),
        canonicalization=fields.get("c", "simple/simple"),
        has_length="l" in fields,
        survives_second=survives,
    )


def with_second(text: bytes, line: bytes) -> bytes:
    """The letter as a forger would have it read: readers show the first of two fields, verifiers take the last."""
    return line + text


def verified(text: bytes, index: int, look_up: Callable[..., bytes]) -> tuple[dkim.DKIM, bool]:
    message = dkim.DKIM(text)
    try:
        return message, bool(message.verify(idx=index, dnsfunc=look_up))
    except dkim.DKIMException:
        return message, False
