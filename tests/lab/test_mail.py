"""Real mail between operators, and what must be refused."""

from __future__ import annotations

import contextlib
import imaplib
import poplib
import re
import smtplib
import ssl
import uuid
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import (
    at_outside,
    by_imap,
    by_pop3,
    letter,
    parsed,
    submissions,
    submit,
    trust,
    verified_signatures,
    write_from_outside,
)
from ironpost.lab.people import password
from tests.lab.deployment import succeed
from tests.lab.inventories import variant

PEOPLE = [
    pytest.param("mx1", "alice@example.org", id="trixie"),
    pytest.param("mx2", "dave@example.com", id="bookworm"),
]
both = pytest.mark.parametrize(("host", "address"), PEOPLE)


def fresh(word: str) -> str:
    return f"{word} {uuid.uuid4().hex[:12]}"


@contextlib.contextmanager
def port_25(lab: Lab, host: str) -> Iterator[smtplib.SMTP]:
    """A greeted session on port 25, as another server opens it."""
    with smtplib.SMTP(lab.host(host).ipv4, 25, timeout=20) as session:
        session.ehlo("host.stranger.example")
        yield session


def results_of(message: EmailMessage, server: str) -> str:
    """What that server, and nobody else, says in its Authentication-Results."""
    return " ".join(
        " ".join(str(header).split()) for header in message.get_all("Authentication-Results", []) if server in header
    )


@both
def test_a_letter_to_outside_passes_spf_dkim_and_dmarc(published: Lab, host: str, address: str) -> None:
    """The other operator's judgement is the only one that counts."""
    subject = fresh("out")
    submit(published, host, letter(address, "bob@example.net", subject))
    raw = at_outside(published, "bob", subject)
    seen = results_of(parsed(raw), "mail.example.net")
    assert "spf=pass" in seen.lower()
    assert len(re.findall(r"dkim=pass", seen)) >= 2, seen
    assert "dmarc=pass" in seen, seen
    assert verified_signatures(published, raw) == {"rsa-sha256": True, "ed25519-sha256": True}


@both
def test_a_letter_from_outside_is_read_over_imaps_and_pop3s(published: Lab, host: str, address: str) -> None:
    """It comes over TLS, and our own verdict stands in it."""
    subject = fresh("in")
    write_from_outside(published, "bob", letter("bob@example.net", address, subject))
    message = by_imap(published, host, address, subject)
    assert by_pop3(published, host, address, subject)["Message-ID"] == message["Message-ID"]
    seen = results_of(message, published.host(host).fqdn)
    assert "spf=pass" in seen and "dmarc=pass" in seen and len(re.findall("dkim=pass", seen)) >= 2, seen
    assert re.search(r"using TLSv1\.3", str(message["Received"]) + str(message.get_all("Received")))


@both
def test_nobody_relays_without_login(published: Lab, host: str, address: str) -> None:
    """An open relay is on every blocklist within hours."""
    with port_25(published, host) as session:
        session.mail("bob@example.net")
        code, reply = session.rcpt("carol@example.net")
    assert code == 554 and b"5.7.1" in reply


@both
def test_port_25_offers_no_login_even_inside_tls(published: Lab, host: str, address: str) -> None:
    """Passwords belong on the submission ports."""
    with port_25(published, host) as session:
        assert not session.has_extn("auth")
        session.starttls(context=trust(published, host))
        session.ehlo()
        assert not session.has_extn("auth")


@both
def test_submission_offers_no_login_outside_tls(published: Lab, host: str, address: str) -> None:
    """A password in clear text is lost at the first hop."""
    with smtplib.SMTP(published.host(host).ipv4, 587, timeout=20) as session:
        session.ehlo()
        assert not session.has_extn("auth")
        code, _ = session.docmd("AUTH", "PLAIN AGEAYg==")
        assert code in (503, 530, 538)
        session.starttls(context=trust(published, host))
        session.ehlo()
        assert session.has_extn("auth")


@both
def test_a_forged_envelope_sender_is_refused(published: Lab, host: str, address: str) -> None:
    """A stolen or careless account must not write as somebody else."""
    forged = f"anna@{address.partition('@')[2]}"
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        submit(published, host, letter(address, "bob@example.net", fresh("forged")), envelope=forged)
    [(code, reply)] = refused.value.recipients.values()
    assert code == 553 and b"not owned by user" in reply


@both
def test_an_unknown_recipient_is_refused_in_session(published: Lab, host: str, address: str) -> None:
    """Accepting first and bouncing later hits innocent senders."""
    with port_25(published, host) as session:
        session.mail("bob@example.net")
        code, reply = session.rcpt(f"nobody-here@{address.partition('@')[2]}")
    assert code == 550 and b"5.1.1" in reply


@both
def test_postmaster_and_abuse_reach_the_admin(published: Lab, host: str, address: str) -> None:
    """RFC 5321 §4.5.1 and RFC 2142: somebody must be told."""
    with port_25(published, host) as session:
        session.mail("")
        for name in ("postmaster", "abuse"):
            assert session.rcpt(f"{name}@{address.partition('@')[2]}")[0] == 250


@both
def test_a_direct_spoof_of_a_protected_domain_is_refused(published: Lab, host: str, address: str) -> None:
    """reject.example publishes p=reject; nothing in this message speaks for a mailing list."""
    message = letter("chief@reject.example", address, fresh("spoof"))
    with port_25(published, host) as session, pytest.raises(smtplib.SMTPDataError) as refused:
        session.send_message(message, from_addr="chief@reject.example", to_addrs=[address])
    # rspamd answers with 554, which RFC 5321 §4.2.2 has for a transaction that fails; 5.7.1 says that policy refuses it
    assert refused.value.smtp_code == 554 and b"5.7.1" in refused.value.smtp_error


@both
def test_a_sender_with_a_tag_is_one_sender(published: Lab, host: str, address: str) -> None:
    """bob+shop@ is one address, and was refused as two: rspamd takes the tag out, and shows both."""
    subject = fresh("tag")
    message = letter("Bob <bob+shop@example.net>", address, subject)
    write_from_outside(published, "bob", message)
    assert by_imap(published, host, address, subject)["From"] == "Bob <bob+shop@example.net>"
    for wrong in ("bob@example.net, carol@example.net", "undisclosed:;"):
        said = published.run(
            "outside",
            f"swaks --server {published.host(host).ipv4} --helo mail.example.net --from bob@example.net --to {address}"
            f" --h-From '{wrong}'",
            check=False,
        ).stdout
        assert "554 5.7.1 A message has one From header" in said


@both
def test_our_own_domain_is_not_spoofed_from_outside(published: Lab, host: str, address: str) -> None:
    """The most convincing forgery is the one of a colleague."""
    domain = address.partition("@")[2]
    message = letter(f"anna@{domain}", address, fresh("colleague"))
    with port_25(published, host) as session:
        with pytest.raises((smtplib.SMTPDataError, smtplib.SMTPSenderRefused, smtplib.SMTPRecipientsRefused)):
            session.send_message(message, from_addr="bounce@host.stranger.example", to_addrs=[address])


@both
def test_a_broken_list_post_lands_in_junk(published: Lab, host: str, address: str) -> None:
    """Rejecting on p=reject alone throws people off mailing lists (RFC 9989 §7.4)."""
    subject = fresh("list")
    message = letter("member@reject.example", address, subject)
    message["List-Id"] = "<talk.stranger.example>"
    message["List-Post"] = "<mailto:talk@stranger.example>"
    with port_25(published, host) as session:
        session.send_message(message, from_addr="talk-bounces@host.stranger.example", to_addrs=[address])
    assert by_imap(published, host, address, subject, folder="Junk")["Subject"] == subject


def test_tls_1_2_is_refused_on_465_of_the_modern_host(published: Lab) -> None:
    """`modern` means TLS 1.3 only on every client port."""
    with pytest.raises((ssl.SSLError, OSError), match=r"(?i)alert|protocol|version"):
        submissions(published, "mx1", newest=ssl.TLSVersion.TLSv1_2)


def test_the_hybrid_key_exchange_is_agreed_on_with_those_who_can(published: Lab) -> None:
    """OpenSSL 3.5 on the stranger's host; a client that has only X25519 is served as well."""
    server = published.host("mx1").ipv4
    for port, start in ((25, "-starttls smtp"), (465, ""), (993, "")):
        for groups, agreed in (("X25519MLKEM768:X25519", "X25519MLKEM768"), ("X25519", "X25519")):
            client = f"openssl s_client -connect {server}:{port} {start} -groups {groups} </dev/null 2>&1"
            said = published.run("stranger", client, check=False).stdout
            assert re.search(rf"Negotiated TLS1.3 group: {agreed}$|Peer Temp Key: {agreed}\b", said, re.M), said[-1500:]


def test_tls_1_2_is_served_on_465_of_the_intermediate_host(published: Lab) -> None:
    """The test above would pass on a dead port."""
    with submissions(published, "mx2", newest=ssl.TLSVersion.TLSv1_2) as session:
        assert session.sock.version() == "TLSv1.2"  # type: ignore[union-attr]


@both
def test_tls_1_2_and_1_3_are_served_on_25(published: Lab, host: str, address: str) -> None:
    """Other servers may not know 1.3 yet; without 1.2 their mail would come in clear text."""
    for newest, version in ((ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3")):
        with submissions(published, host, newest, port=25) as session:
            assert session.sock.version() == version  # type: ignore[union-attr]


@both
def test_a_wrong_password_is_refused_everywhere(published: Lab, host: str, address: str) -> None:
    """The right one is accepted in the tests above, so this refusal is about the password."""
    with submissions(published, host) as session, pytest.raises(smtplib.SMTPAuthenticationError):
        session.login(address, "not-" + password(published.directory, address))
    server = published.host(host).ipv4
    with imaplib.IMAP4_SSL(server, ssl_context=trust(published, host), timeout=20) as imap:
        with pytest.raises(imaplib.IMAP4.error, match="AUTHENTICATIONFAILED"):
            imap.login(address, "wrong")
    pop = poplib.POP3_SSL(server, context=trust(published, host), timeout=20)
    pop.user(address)
    with pytest.raises(poplib.error_proto):
        pop.pass_("wrong")
    pop.close()


@both
def test_submitted_mail_does_not_tell_where_its_author_sits(published: Lab, host: str, address: str) -> None:
    """The author's address and program are nobody's business."""
    subject = fresh("private")
    message = letter(address, "bob@example.net", subject)
    message["User-Agent"] = "Mailprogram/7.1"
    submit(published, host, message)
    raw = at_outside(published, "bob", subject).decode()
    assert not [address for address in published.controller if address in raw]
    assert "Mailprogram" not in raw


SMUGGLED_ENDS = [
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r\n", b"\r\n.\r", b"\n.\r", b"\r.\r", b"\r.\n",
    b"\r\n\x00.\r\n", b"\r\r\n.\r\r\n",
]  # fmt: skip


@both
@pytest.mark.parametrize("end", SMUGGLED_ENDS, ids=[repr(end) for end in SMUGGLED_ENDS])
def test_no_second_message_is_smuggled(published: Lab, host: str, address: str, end: bytes) -> None:
    """CVE-2023-51764: a wrong end of DATA must never start a second transaction."""
    inner = b"MAIL FROM:<chief@reject.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" % address.encode()
    body = (
        b"From: x@host.stranger.example\r\nSubject: outer\r\n\r\nfirst"
        + end
        + inner
        + b"Subject: smuggled\r\n\r\nsecond"
    )
    with port_25(published, host) as session:
        session.mail("x@host.stranger.example")
        session.rcpt(address)
        assert session.docmd("DATA")[0] == 354
        session.send(body + b"\r\n.\r\n")
        replies = [session.getreply()[0]]
        with contextlib.suppress(smtplib.SMTPServerDisconnected):
            replies.append(session.docmd("NOOP")[0])
    # one reply for the one message, and then the one for NOOP: more would be answers to smuggled commands
    assert replies[0] in (250, 521, 550, 554)
    assert replies[1:] in ([250], [])


@pytest.mark.soak
@both
def test_a_letter_that_does_not_fit_is_refused_while_its_sender_listens(
    published: Lab, host: str, address: str, tmp_path: Path
) -> None:
    """A bounce would go to whoever is named as sender, and that is mostly somebody who never wrote."""
    small = variant(
        tmp_path,
        ("        admin=admin,\n", "        admin=admin,\n        limits=Limits(mailbox_bytes=10_000_000),\n"),
        ("Allow, ", "Allow, Limits, "),
    )
    limit = ("--limit", published.host(host).fqdn)
    succeed(published, "pyinfra", small, "deploys/mail.py", "-y", *limit)
    try:
        with port_25(published, host) as session:
            session.mail("bob@example.net", ["SIZE=30000000"])
            code, reply = session.rcpt(address)
            # Dovecot 2.4 says "full", 2.3 says that it will never fit
            assert (code, reply[:5]) in ((452, b"4.2.2"), (552, b"5.2.2")), reply
            session.rset()
            session.mail("bob@example.net", ["SIZE=1000"])
            assert session.rcpt(address)[0] == 250
    finally:
        succeed(published, "pyinfra", "inventories/lab.py", "deploys/mail.py", "-y", *limit)
