"""A letter in which one line ends with a line feed alone."""

from __future__ import annotations

from typing import Any

from .smtp import said, twofold
from .wire import Wire, greeted


def bare_newline(address: str, domain: str) -> list[Any]:
    """The reply to it. The letter has two authors, which our policy refuses, so that it is not delivered."""
    with Wire(address, 25) as wire:
        greeted(wire)
        for command in ("MAIL FROM:<>", f"RCPT TO:<postmaster@{domain}>", "DATA"):
            reply = wire.ask(command)
            if reply[0] >= 400:
                return said(reply)
        wire.send(twofold() + b"one line\nand another\r\n.\r\n")
        return said(wire.reply())
