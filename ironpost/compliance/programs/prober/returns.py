"""Return addresses that a host which forwards would have made for bounces (SRS), and that nobody made."""

from __future__ import annotations

import time
from typing import Any

from .smtp import ELSEWHERE, said
from .wire import Wire, greeted

DAY = 86_400  # seconds
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def forged(address: str, name: str) -> list[list[Any]]:
    """[code, text] of the reply to each kind of them. They are of today: an old one would be refused for its age."""
    day = int(time.time()) // DAY
    body = f"AAAAAA={DIGITS[day >> 5 & 31]}{DIGITS[day & 31]}={ELSEWHERE}=probe"
    found = []
    with Wire(address, 25) as wire:
        greeted(wire)
        for word in (f"SRS0={body}", f"SRS1=AAAAAA={ELSEWHERE}=={body}"):
            wire.ask("MAIL FROM:<>")
            found.append(said(wire.ask(f"RCPT TO:<{word}@{name}>")))
            wire.ask("RSET")
    return found
