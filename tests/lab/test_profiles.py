"""The TLS profile that the lab's hosts do not have every day."""

from __future__ import annotations

import json
import smtplib
import ssl
from collections.abc import Iterator

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import by_imap, letter, submissions, write_from_outside
from tests.lab.deployment import DEPLOY, run_command, succeed
from tests.lab.inventories import variant
from tests.lab.test_mail import fresh, port_25


@pytest.fixture(scope="module")
def closed(published: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Both hosts take no mail without TLS 1.3; afterwards as they were."""
    inventory = variant(
        tmp_path_factory.mktemp("closed"), ('tls="modern"', 'tls="closed"'), ('tls="intermediate"', 'tls="closed"')
    )
    try:
        succeed(published, "pyinfra", inventory, "deploys/mail.py", "-y")
        yield inventory
    finally:
        succeed(published, *DEPLOY)


@pytest.mark.soak
def test_a_closed_community_takes_no_mail_without_tls(published: Lab, closed: str, mailhost: str) -> None:
    """Told so in the session, with the reply that RFC 3207 §4 has for it; who speaks TLS 1.3 is served."""
    address = {"mx1": "alice@example.org", "mx2": "dave@example.com"}[mailhost]
    with port_25(published, mailhost) as session:
        assert session.mail("someone@host.stranger.example")[0] == 530
    with pytest.raises((ssl.SSLError, OSError, smtplib.SMTPException), match=r"(?i)alert|protocol|version|closed"):
        submissions(published, mailhost, newest=ssl.TLSVersion.TLSv1_2, port=25)
    subject = fresh("closed")
    write_from_outside(published, "bob", letter("bob@example.net", address, subject))
    by_imap(published, mailhost, address, subject)


@pytest.mark.soak
def test_the_verifier_judges_a_closed_community_by_its_own_rule(published: Lab, closed: str) -> None:
    """TLS-13 asks the opposite of TLS-14: one of them must step back."""
    names = ("TLS-01", "TLS-02", "TLS-13", "TLS-14", "TLS-17")
    words = [word for name in names for word in ("--control", name)]
    done = run_command(published, "ironpost", "verify", closed, *words, "--json", "-")
    rows = {(row["mailhost"], row["control"]): row for row in json.loads(done.stdout)["results"]}
    assert {row["control"]: row["state"] for row in rows.values()} == dict.fromkeys(names, "holds") | {
        "TLS-13": "not applicable"
    }, done.stdout
    assert len(rows) == 2 * len(names)
