"""Mail that goes on to elsewhere: what the next operator thinks of it, and what stays."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import at_outside, by_imap, letter, parsed, submit, write_from_outside
from ironpost.lab.people import users_file
from tests.lab.deployment import DEPLOY, succeed
from tests.lab.forwarding import (
    arrived_in,
    both,
    chain_holds,
    folders,
    keeps_copy,
    nothing_under_way,
    reached_bob,
    return_path,
    write_as_stranger,
)
from tests.lab.inventories import variant
from tests.lab.sabotage.policy import publish
from tests.lab.test_mail import fresh, results_of

pytestmark = pytest.mark.soak
SOCKET = "/run/ironpost-sending.sock"
# Counts a recipient as Postfix does for what is forwarded, until the answer is no longer DUNNO.
COUNT = f"""
import socket, sys
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect("{SOCKET}")
    for number in range(100000):
        asked.send(b"request=smtpd_access_policy\\nprotocol_state=RCPT\\npolicy_context=forward\\n"
                   b"client_address=127.0.0.1\\nrecipient=bob@example.net\\n\\n")
        if b"DUNNO" not in (said := asked.recv(500)):
            print(number, said.decode())
            break
"""


@both
def test_what_is_forwarded_passes_at_the_next_operator(published: Lab, host: str, address: str) -> None:
    """SPF by our name, the author's signature and DMARC as they were; the seal tells what we found."""
    subject, name = fresh("forwarded"), published.host(host).fqdn
    write_from_outside(published, "carol", letter("carol@example.net", address, subject))
    raw = at_outside(published, "bob", subject)
    message = parsed(raw)
    assert re.fullmatch(rf"SRS0=\S{{6}}=\S\S=example\.net=carol@{re.escape(name)}", return_path(message))
    seen = results_of(message, "mail.example.net").lower()
    assert f"spf=pass smtp.mailfrom={name}" in seen and "dmarc=pass" in seen, seen
    assert seen.count("dkim=pass") == 2 and "header.d=example.net" in seen and f"header.d={address[-11:]}" not in seen
    assert chain_holds(published, raw) == ("pass", address.partition("@")[2])
    told = " ".join(str(message["ARC-Authentication-Results"]).split())
    assert told.startswith(f"i=1; {name}; ") and "dmarc=pass" in told and "smtp.mailfrom=carol@example.net" in told
    nothing_under_way(published, host, subject)
    assert folders(published, host, address, subject) == ["INBOX"] * keeps_copy(address)


@both
def test_aliases_and_sub_addresses_are_forwarded_too(published: Lab, host: str, address: str) -> None:
    """They are names of the same mailbox."""
    name, _, domain = address.partition("@")
    for recipient in (f"orders@{domain}", f"{name}+shop@{domain}"):
        subject = fresh("alias")
        write_from_outside(published, "carol", letter("carol@example.net", recipient, subject))
        assert at_outside(published, "bob", subject)


@both
def test_what_we_mark_as_spam_stays_in_junk(published: Lab, host: str, address: str) -> None:
    """Whoever forwards spam is taken for a spammer. It is not lost either, where no copy is kept."""
    subject = fresh("spam")
    message = letter("carol@example.net", address, subject)
    message["List-Id"] = "<somebody.example>"
    write_as_stranger(published, host, address, message)
    assert by_imap(published, host, address, subject, folder="Junk")["X-Spam"] == "Yes"
    nothing_under_way(published, host, subject)
    assert folders(published, host, address, subject) == ["Junk"] and not reached_bob(published, subject)


@both
def test_a_forgery_in_our_own_name_is_not_forwarded(published: Lab, host: str, address: str) -> None:
    """With p=none it is not marked; sent on from here it would pass SPF in our name, hence DMARC."""
    domain, subject = address.partition("@")[2], fresh("forgery")
    publish(published, host, f"_dmarc.{domain}", "TXT", '"v=DMARC1; p=none"')
    try:
        published.run(host, "systemctl restart unbound rspamd && sleep 3")
        message = letter(f"boss@{domain}", address, subject)
        write_as_stranger(published, host, address, message)
        found = by_imap(published, host, address, subject)
        assert "X-Spam" not in found and found["X-Not-Forwarded"]
        nothing_under_way(published, host, subject)
        assert not reached_bob(published, subject)
    finally:
        succeed(published, "ironpost", "dns", "apply", "inventories/lab.py", "--insist")
        published.run(host, "systemctl restart unbound rspamd && sleep 3")


@both
def test_what_our_own_people_send_keeps_its_sender(published: Lab, host: str, address: str) -> None:
    """Only what is forwarded is written anew; and such mail is signed once, by its author."""
    domain, subject = address.partition("@")[2], fresh("own")
    author = {"example.org": "alice", "example.com": "dave"}[domain] + f"@{domain}"
    submit(published, host, letter(author, "bob@example.net", subject))
    direct = parsed(at_outside(published, "bob", subject))
    assert return_path(direct) == author and "ARC-Seal" not in direct
    subject = fresh("own-forwarded")
    submit(published, host, letter(author, address, subject))
    raw = at_outside(published, "bob", subject)
    message = parsed(raw)
    assert return_path(message).startswith("SRS0=") and len(message.get_all("DKIM-Signature", [])) == 2
    assert "dmarc=pass" in results_of(message, "mail.example.net") and chain_holds(published, raw)[0] == "pass"
    assert author.encode() not in str(message["Received"]).encode()


@both
def test_nothing_else_leaves_by_that_door(published: Lab, host: str, address: str) -> None:
    """A program on the host gets no further than the addresses of the inventory."""
    talk = (
        "import smtplib; s = smtplib.SMTP('127.0.0.1', 4527); s.ehlo('x'); s.mail('boss@bank.example'); "
        "print(s.rcpt('carol@example.net')[0], s.rcpt('bob@example.net')[0])"
    )
    assert published.run(host, f'python3 -c "{talk}"').stdout.split() == ["554", "250"]
    listening = published.run(host, "ss -Hltn '( sport = 4527 or sport = 10001 or sport = 10002 )'").stdout
    assert sorted(line.split()[3] for line in listening.splitlines()) == [
        "127.0.0.1:10001",
        "127.0.0.1:10002",
        "127.0.0.1:4527",
    ]


@both
def test_a_flood_stays_in_the_mailbox(published: Lab, host: str, address: str) -> None:
    """Whoever bombs a mailbox shall not have this host bomb another one; and nothing waits or is lost for it."""
    try:
        number, _, said = published.run(host, "python3 -", input=COUNT).stdout.partition(" ")
        assert 0 < int(number) <= 500 and said.startswith("action=550 5.7.1"), said
        subject = fresh("flood")
        write_from_outside(published, "carol", letter("carol@example.net", address, subject))
        assert arrived_in(published, host, address, subject) == ["INBOX"]
        nothing_under_way(published, host, subject)
        assert not reached_bob(published, subject)
        kept = published.run(host, "cat /var/lib/private/ironpost-sending/counts.db* | grep -c bob@ || true").stdout
        assert kept.strip() == "0"
    finally:
        published.run(host, "systemctl stop ironpost-sending.service; rm -f /var/lib/private/ironpost-sending/*;"
                      "systemctl start ironpost-sending.service")  # fmt: skip


@contextlib.contextmanager
def rule_of_frieda(lab: Lab, text: str) -> Iterator[None]:
    """A Sieve rule of her own, as a mail program would put it there."""
    lab.run("mx1", "doveadm sieve put -u frieda@example.org -a own", input=text)
    try:
        yield
    finally:
        lab.run("mx1", "doveadm sieve delete -u frieda@example.org -a own")


def test_answers_of_an_account_that_forwards_go_out_signed(published: Lab) -> None:
    """They leave by the same door, and are ours."""
    subject = fresh("rule")
    rule = f'require ["vacation"];\nvacation :days 1 :subject "Re: {subject}" "I am not here.";\n'
    with rule_of_frieda(published, rule):
        write_from_outside(published, "carol", letter("carol@example.net", "frieda@example.org", subject))
        assert at_outside(published, "bob", subject)
        answer = parsed(at_outside(published, "carol", f"Re: {subject}"))
    assert answer["Return-Path"] == "<>" and "ARC-Seal" not in answer
    seen = results_of(answer, "mail.example.net")
    assert "dmarc=pass" in seen and "header.d=example.org" in seen


def test_a_rule_of_their_own_sends_nothing_on(published: Lab) -> None:
    """For an account that forwards too, only the inventory says where its mail goes."""
    subject = fresh("rule")
    with rule_of_frieda(published, 'require ["copy"];\nredirect :copy "carol@example.net";\n'):
        write_from_outside(published, "carol", letter("carol@example.net", "frieda@example.org", subject))
        assert at_outside(published, "bob", subject)
        nothing_under_way(published, "mx1", subject)
    assert folders(published, "mx1", "frieda@example.org", subject) == ["INBOX"]
    assert not published.run("outside", f"grep -rl 'Subject: {subject}' /home/carol/Maildir || true").stdout


@pytest.fixture(scope="module")
def switched_off(published: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Both hosts after forwarding was taken out of the inventory and the users files."""
    folder = tmp_path_factory.mktemp("off")
    for domain in ("example.org", "example.com"):
        text = users_file(published.directory, domain).read_text()
        (folder / f"{domain}.toml").write_text(re.sub(r"^(forward|keep_copy) = .*\n", "", text, flags=re.M))
    inventory = variant(
        folder,
        ("users=str(users_file(_lab.directory, domain))", f'users=f"{folder}/{{domain}}.toml"'),
        ('                forward_to=["example.net"],\n', ""),
    )
    try:
        succeed(published, "pyinfra", inventory, "deploys/mail.py", "-y")
        yield published
    finally:
        succeed(published, *DEPLOY)


@both
def test_switched_off_it_is_gone(switched_off: Lab, host: str, address: str) -> None:
    """Its service and its timer are stopped and disabled with their files, and mail stays here."""
    shown = switched_off.run(host, "systemctl show -p ActiveState,UnitFileState postsrsd.service ironpost-srs.timer")
    states = dict.fromkeys(shown.stdout.split())
    assert "ActiveState=active" not in states and "UnitFileState=enabled" not in states, shown.stdout
    assert not switched_off.run(host, "ss -Hltn '( sport = 4527 or sport = 10001 or sport = 10002 )'").stdout
    assert switched_off.run(host, "ls /etc/dovecot/sieve/forward 2>/dev/null || true").stdout.strip() == ""
    assert switched_off.run(host, "find /etc/systemd -name '*srs*' ! -type d").stdout == ""
    subject = fresh("off")
    write_from_outside(switched_off, "carol", letter("carol@example.net", address, subject))
    assert arrived_in(switched_off, host, address, subject) == ["INBOX"]
    nothing_under_way(switched_off, host, subject)
    assert not reached_bob(switched_off, subject)
