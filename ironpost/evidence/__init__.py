"""What was seen of a mail host, inside and outside: facts without judgement. Pure; collecting is compliance's work."""

from __future__ import annotations


class NotCollectedError(Exception):
    """This piece of evidence is missing; its text says why. A control that asks for it is *unknown*, never held.

    `part` names the piece, where hosts with other roles need not have it (`smtp/25`, `submissions/inet`, `dovecot`).
    """

    def __init__(self, text: str, part: str = "") -> None:
        super().__init__(text)
        self.part = part
