"""Who logged in with what, out of the lines of a journal."""

from __future__ import annotations

import json

import pytest

from ironpost.clients import clients

OLD = "auth: passwd-file(anna@example.org,192.0.2.7,<x>): Password mismatch"
NEW = "auth(anna@example.org,192.0.2.7,sasl:plain)<x>: passwd-file: Password mismatch"


def journal(*messages: str) -> str:
    return "\n".join(
        json.dumps({"MESSAGE": message, "__REALTIME_TIMESTAMP": str(1_800_000_000_000_000 + at * 1_000_000)})
        for at, message in enumerate(messages)
    )


@pytest.mark.parametrize("mismatch", [OLD, NEW])
def test_only_logins_that_succeeded_are_listed(mismatch: str) -> None:
    """Somebody who guesses is no client of the account."""
    main = "auth-worker(7): ironpost: main password of anna@example.org for {} from {}"
    text = journal(
        main.format("imap", "192.0.2.7"),
        mismatch,
        main.format("smtp", "192.0.2.8"),
        'auth-worker(7): ironpost: app password "phone" of anna@example.org for imap from 2001:db8::1',
        main.format("smtp", "192.0.2.8"),
    )
    found = clients("mx1.example.org", text)
    assert [(client.service, client.address, client.password, client.times) for client in found] == [
        ("smtp", "192.0.2.8", "", 2),
        ("imap", "2001:db8::1", "phone", 1),
    ]
    assert "smtp from 192.0.2.8 with main password: 2 times, last 2027-01-15" in found[0].told()
