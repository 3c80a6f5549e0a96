"""What an account of a users file says about forwarding: `forward = ["someone@example.net"]`, and `keep_copy`."""

from __future__ import annotations

from typing import Any

from ironpost.settings import mail_address

MOST = 5  # destinations of one account: more is a mailing list, which keeps records of who agreed


def read_forward(table: dict[str, Any]) -> tuple[str, ...]:
    """The destinations, in lower case as they are compared. The table has no mistakes."""
    return tuple(mail_address(each) for each in table.get("forward", []))


def forward_mistakes(table: dict[str, Any]) -> list[str]:
    """What is wrong with them in itself; whether they are allowed is for the inventory to say."""
    forward, mistakes = table.get("forward"), []
    if not isinstance(table.get("keep_copy", True), bool):
        mistakes.append("keep_copy is neither true nor false; write one of them")
    if forward is None:
        return mistakes + ["keep_copy says nothing without forward; remove it"] * ("keep_copy" in table)
    if not isinstance(forward, list) or not forward or not all(isinstance(each, str) for each in forward):
        return [*mistakes, 'forward is not a list of addresses; write forward = ["someone@example.net"]']
    if len(forward) > MOST:
        mistakes.append(f"forward names {len(forward)} addresses, and {MOST} are the most; use a mailing list")
    if table.get("disabled") is True:
        mistakes.append("is disabled and would still forward; remove forward, or enable the account")
    return mistakes + destination_mistakes(forward)


def destination_mistakes(forward: list[str]) -> list[str]:
    mistakes, seen = [], set()
    for text in forward:
        try:
            address = mail_address(text)
        except ValueError as error:
            mistakes.append(f"forward: {error}")
            continue
        if address in seen:
            mistakes.append(f"forward names {address} twice; remove one")
        seen.add(address)
    return mistakes
