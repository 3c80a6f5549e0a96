"""Port 25 and the rules of good conduct: who must greet, who may write, and what must always be accepted."""

from __future__ import annotations

from typing import Any

from .smtp import said
from .wire import Wire, greeted

NOWHERE = "probe@no-such-domain.invalid"


def manners(address: str, name: str, domains: list[str]) -> dict[str, Any]:
    """Label → [code, text] of the last reply. No letter arrives: no DATA is followed by one."""
    return {
        "without greeting": without_greeting(address),
        "own name": greeting_as(address, name, domains[0]),
        "roles": {role: role_of(address, role) for domain in domains for role in roles(domain)},
        **envelopes(address, domains[0]),
    }


def without_greeting(address: str) -> list[Any]:
    with Wire(address, 25) as wire:
        wire.reply()
        return said(wire.ask("MAIL FROM:<>"))


def greeting_as(address: str, name: str, domain: str) -> list[Any]:
    """Postfix judges the name when the recipient is known."""
    with Wire(address, 25) as wire:
        wire.reply()
        for command in (f"EHLO {name}", "MAIL FROM:<>"):
            reply = wire.ask(command)
            if reply[0] >= 400:
                return said(reply)
        return said(wire.ask(f"RCPT TO:<postmaster@{domain}>"))


def roles(domain: str) -> tuple[str, str]:
    return f"postmaster@{domain}", f"abuse@{domain}"


def role_of(address: str, role: str) -> list[Any]:
    with Wire(address, 25) as wire:
        greeted(wire)
        wire.ask("MAIL FROM:<>")
        return said(wire.ask(f"RCPT TO:<{role}>"))


def envelopes(address: str, domain: str) -> dict[str, Any]:
    """A sender that nobody can answer, a bounce for two, and a letter that is too large."""
    with Wire(address, 25) as wire:
        _, offers = greeted(wire)
        size = next((int(offer.split()[1]) for offer in offers if offer.upper().startswith("SIZE ")), 0)
        found: dict[str, Any] = {"size": size, "too large": said(wire.ask(f"MAIL FROM:<> SIZE={size + 1}"))}
        wire.ask("RSET")
        wire.ask(f"MAIL FROM:<{NOWHERE}>")
        found["nobody"] = said(wire.ask(f"RCPT TO:<postmaster@{domain}>"))
        wire.ask("RSET")
        wire.ask("MAIL FROM:<>")
        for role in roles(domain):
            wire.ask(f"RCPT TO:<{role}>")
        found["bounce for two"] = said(wire.ask("DATA"))
        return found
