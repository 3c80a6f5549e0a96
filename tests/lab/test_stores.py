"""Accounts in a directory (slapd) and in a database (PostgreSQL): logins, mail, and what is while these are away."""

from __future__ import annotations

import base64
import contextlib
import imaplib
import poplib
import smtplib
import time
from collections.abc import Iterator

import pytest

from ironpost.lab import Lab, up
from ironpost.lab.mail import at_outside, letter, submissions, trust, wait_for
from tests.lab.deployment import DEPLOY, failed_logins, succeed
from tests.lab.stores import database, directory
from tests.lab.stores.database import serve_database
from tests.lab.stores.directory import serve_directory
from tests.lab.stores.inventory import DOMAINS, SERVER, with_stores
from tests.lab.stores.people import PASSWORD
from tests.lab.test_mail import fresh
from tests.lab.test_people import asked, plain

pytestmark = pytest.mark.soak
both = pytest.mark.parametrize("host", [pytest.param("mx1", id="trixie"), pytest.param("mx2", id="bookworm")])
each = pytest.mark.parametrize("store", ["staff", "shop"], ids=["directory", "database"])
UNITS = {"staff": directory.UNIT, "shop": database.UNIT}
OUTSIDE = "bob@example.net"
VISITOR = "visitor@host.stranger.example"  # a domain without policies: here only recipients count
# Dovecot's queue of SQL questions gives each a minute, twice; it and Postfix come back to a server after a minute.
PATIENCE = 180
WRONG = "not the password of anybody"


@pytest.fixture(scope="module")
def stores(deployed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Both stores on one bare host, started by systemd, and both mail hosts deployed with a domain in each of them."""
    lab = up(deployed.name, extra_hosts=1)
    lab.reset(SERVER)
    serve_directory(lab, SERVER, *(f"staff.{domain}" for domain in DOMAINS.values()))
    serve_database(lab, SERVER, *(f"shop.{domain}" for domain in DOMAINS.values()))
    inventory = with_stores(lab, tmp_path_factory.mktemp("stores"))
    succeed(lab, "pyinfra", inventory, *DEPLOY[2:])
    assert "nothing to change" in succeed(lab, "ironpost", "plan", inventory, "--exit-code", "--hosts-only")
    yield lab
    succeed(lab, *DEPLOY)


@contextlib.contextmanager
def stopped(lab: Lab, store: str) -> Iterator[None]:
    lab.run(SERVER, f"systemctl stop {UNITS[store]}")
    try:
        yield
    finally:
        lab.run(SERVER, f"systemctl start {UNITS[store]}")
        for host in DOMAINS:
            known, deadline = f"doveadm user {address(host, store, 'nora')}", time.monotonic() + PATIENCE
            while lab.run(host, known, check=False, timeout=PATIENCE).returncode or not is_asked(lab, host, store):
                assert time.monotonic() < deadline, f"{host}: {store} is not asked again"
                time.sleep(3)


def address(host: str, store: str, name: str) -> str:
    return f"{name}@{store}.{DOMAINS[host]}"


def is_asked(lab: Lab, host: str, store: str) -> bool:
    """Whether Postfix has come back to the store; to a database it does so after a minute."""
    return offered(lab, host, address(host, store, "nora")) == [250]


def by_smtp(lab: Lab, host: str, user: str, password: str) -> tuple[int, str]:
    """Postfix asks twice, ten seconds each, before it gives up."""
    with submissions(lab, host) as session:
        assert session.sock
        session.sock.settimeout(60)
        session.ehlo()
        code, text = session.docmd("AUTH", "PLAIN " + base64.b64encode(plain(user, password)).decode())
        return code, text.decode()


def by_imap(lab: Lab, host: str, user: str, password: str) -> str:
    with imaplib.IMAP4_SSL(lab.host(host).ipv4, ssl_context=trust(lab, host), timeout=PATIENCE) as session:
        try:
            return session.authenticate("PLAIN", lambda _: plain(user, password))[0]
        except imaplib.IMAP4.error as error:
            return str(error)


def by_pop3(lab: Lab, host: str, user: str, password: str) -> str:
    session = poplib.POP3_SSL(lab.host(host).ipv4, context=trust(lab, host), timeout=PATIENCE)
    try:
        session.user(user)
        return session.pass_(password).decode()
    except poplib.error_proto as error:
        return str(error)
    finally:
        session.close()


def offered(lab: Lab, host: str, *recipients: str) -> list[int]:
    """What another server hears about each recipient."""
    with smtplib.SMTP(lab.host(host).ipv4, 25, "mail.example.net", timeout=60) as session:
        session.ehlo()
        session.mail(VISITOR)
        return [session.rcpt(recipient)[0] for recipient in recipients]


def delivered(lab: Lab, host: str, user: str, subject: str) -> None:
    def look() -> bool | None:
        with imaplib.IMAP4_SSL(lab.host(host).ipv4, ssl_context=trust(lab, host), timeout=PATIENCE) as session:
            session.authenticate("PLAIN", lambda _: plain(user, PASSWORD))
            session.select("INBOX", readonly=True)
            return bool(session.search(None, "SUBJECT", f'"{subject}"')[1][0]) or None

    wait_for(look, f"{user}: no message {subject!r}")


def send_in(lab: Lab, host: str, recipient: str, subject: str, text: str = "Good day.\n") -> tuple[int, str]:
    """The last reply to a message from another server."""
    with smtplib.SMTP(lab.host(host).ipv4, 25, "mail.example.net", timeout=60) as session:
        message = letter(VISITOR, recipient, subject, text)
        try:
            session.send_message(message, VISITOR, [recipient])
        except smtplib.SMTPRecipientsRefused as error:
            code, reply = error.recipients[recipient]
            return code, reply.decode()
        return 250, ""


@both
@each
def test_people_of_a_store_log_in_send_and_receive(stores: Lab, host: str, store: str) -> None:
    """With any password, however they write their name; and they send under their own addresses alone."""
    nora = address(host, store, "nora")
    assert by_imap(stores, host, nora.capitalize(), PASSWORD) == "OK"
    assert by_pop3(stores, host, nora, PASSWORD).startswith("+OK")
    subject = fresh("from a store")
    with submissions(stores, host) as session:
        session.ehlo()
        assert session.docmd("AUTH", "PLAIN " + base64.b64encode(plain(nora, PASSWORD)).decode())[0] == 235
        for sender, code in (
            (address(host, store, "sales"), 250),
            (address(host, store, "nora+shop"), 250),
            (address(host, store, "olaf"), 553),
            (address(host, store, "nobody"), 553),
            ("alice@example.org", 553),
        ):
            reply = session.mail(sender)[0]
            assert (reply if reply >= 400 else session.rcpt(OUTSIDE)[0]) == code, sender
            session.rset()
        session.send_message(letter(nora, OUTSIDE, subject), from_addr=nora)
    assert b"header.d=" + nora.partition("@")[2].encode() in at_outside(stores, "bob", subject)
    for recipient in (nora, address(host, store, "sales"), address(host, store, "Nora+list")):
        subject = fresh("to a store")
        assert send_in(stores, host, recipient, subject)[0] == 250
        delivered(stores, host, nora, subject)


@both
@each
def test_who_is_not_in_the_store_is_refused_while_the_sender_is_connected(stores: Lab, host: str, store: str) -> None:
    """And who may not log in still receives (AUTH-13)."""
    names = ("gone", "nora", "postmaster", "nobody", "*", "nora)(mail=*", "' OR true --")
    replies = offered(stores, host, *(address(host, store, f'"{name}"') for name in names))
    assert replies == [250, 250, 250, 550, 550, 550, 550]


@both
@each
def test_wrong_empty_and_disabled_logins_fail_alike(stores: Lab, host: str, store: str) -> None:
    """An empty password is a bind without one, which directories accept (RFC 4513 §5.1.2). Networks bind too."""
    tried = (("nora", WRONG), ("olaf", ""), ("gone", PASSWORD), ("far", PASSWORD), ("nobody", PASSWORD))
    visits = [
        (address(host, store, name), password, "imap", f"198.51.100.{at}") for at, (name, password) in enumerate(tried)
    ]
    near = (address(host, store, "far"), PASSWORD, "imap", "192.0.2.77")
    assert asked(stores, host, [*visits, near]) == [False] * len(visits) + [True]
    assert by_smtp(stores, host, address(host, store, "nora"), WRONG)[0] == 535


@both
@each
def test_the_size_of_a_mailbox_is_what_the_store_says(stores: Lab, host: str, store: str) -> None:
    """A letter that does not fit is refused in the session, and the next mailbox takes it."""
    text = "x" * 70 + "\n"
    full, olaf = address(host, store, "full"), address(host, store, "olaf")
    with smtplib.SMTP(stores.host(host).ipv4, 25, "mail.example.net", timeout=60) as session:
        session.ehlo()
        session.mail(VISITOR, ["SIZE=20000000"])
        assert session.rcpt(full)[0] in (452, 552)  # Dovecot 2.4 and 2.3
        assert session.rcpt(olaf)[0] == 250
    assert send_in(stores, host, full, fresh("fits"), text)[0] == 250


@both
@each
def test_while_a_store_is_away_logins_and_mail_are_put_off(stores: Lab, host: str, store: str) -> None:
    """Nobody is let in, nobody hears "wrong password", no mail is refused for good, and others do not notice."""
    nora, other = address(host, store, "nora"), {"staff": "shop", "shop": "staff"}[store]
    before = failed_logins(stores, host)
    with stopped(stores, store):
        for password in (PASSWORD, WRONG):
            code, text = by_smtp(stores, host, nora, password)
            assert code == 454, text
            assert "[UNAVAILABLE]" in by_imap(stores, host, nora, password)
            assert "[SYS/TEMP]" in by_pop3(stores, host, nora, password)
        assert offered(stores, host, nora, address(host, store, "nobody")) == [451, 451]
        assert offered(stores, host, address(host, other, "nora"), address(host, other, "nobody")) == [250, 550]
        assert by_smtp(stores, host, address(host, other, "nora"), PASSWORD)[0] == 235
        assert by_imap(stores, host, address(host, other, "nora"), PASSWORD) == "OK"
        unknown = f"nobody@{DOMAINS[host]}"
        assert offered(stores, host, unknown) == [550]
    assert failed_logins(stores, host) == before


@both
@each
def test_mail_that_was_taken_before_a_store_went_away_waits_for_it(stores: Lab, host: str, store: str) -> None:
    """RCPT was answered with 250, DATA too, and then nobody knows the mailbox: it must not bounce."""
    olaf, subject = address(host, store, "olaf"), fresh("waits")
    with smtplib.SMTP(stores.host(host).ipv4, 25, "mail.example.net", timeout=60) as session:
        session.ehlo()
        session.mail(VISITOR)
        assert session.rcpt(olaf)[0] == 250
        with stopped(stores, store):
            assert session.data(letter(VISITOR, olaf, subject).as_bytes())[0] == 250
            taken = wait_for(
                lambda: stores.run(host, f"postqueue -j | grep -F {olaf} || true").stdout or None,
                f"{olaf}: is in no queue",
            )
            assert "deferred" in taken or "active" in taken or "incoming" in taken
    deadline = time.monotonic() + 60
    while stores.run(host, f"postqueue -f; postqueue -j | grep -F {olaf} || true").stdout:
        assert time.monotonic() < deadline, f"{olaf}: the message still waits"
        time.sleep(2)
    delivered(stores, host, olaf, subject)
