"""What stands before port 25 only where an inventory asks for it: block lists and postscreen, seen from a stranger."""

from __future__ import annotations

import json
from collections.abc import Iterator

import dns.message
import dns.query
import dns.tsigkeyring
import dns.update
import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import wait_for
from tests.lab.deployment import DEPLOY, succeed
from tests.lab.inventories import with_setting

pytestmark = pytest.mark.soak
LIST = "bl.example.org"
PEOPLE = {"mx1": ("alice@example.org", "postmaster@example.org"), "mx2": ("dave@example.com", "postmaster@example.com")}
LISTED, NOT_SERVED = "127.0.0.2", "127.255.255.254"
# What the server says to RCPT; `early` sends before it is greeted, as programs do that send spam and nothing else.
CLIENT = """
import json, socket, sys
host, recipient, early = json.loads(sys.argv[1])
with socket.create_connection((host, 25), timeout=40) as connection:
    replies = connection.makefile("rb")
    def ask(line):
        connection.sendall(line)
        while True:
            text = replies.readline().decode()
            if text[3:4] != "-":
                return text.strip()
    hello = b"EHLO host.stranger.example\\r\\n"
    if early:
        connection.sendall(hello)
    ask(b"")
    ask(hello)
    ask(b"MAIL FROM:<somebody@host.stranger.example>\\r\\n")
    print(ask(b"RCPT TO:<" + recipient.encode() + b">\\r\\n"))
"""


def told(lab: Lab, host: str, recipient: str, early: bool = False) -> str:
    """The reply to RCPT that a stranger gets over IPv4."""
    job = json.dumps([lab.host(host).ipv4, recipient, early])
    return lab.run("stranger", f"python3 - '{job}'", input=CLIENT).stdout.strip()


def on_list(lab: Lab, reply: str | None) -> None:
    """Puts the stranger on the block list with that reply (RFC 5782 §2.1), or takes it off; then all know of it."""
    key = lab.tsig("example.org")
    ring = dns.tsigkeyring.from_text({key.name: (key.algorithm, key.secret)})
    update = dns.update.UpdateMessage("example.org", keyring=ring)
    name = ".".join(reversed(lab.host("stranger").ipv4.split("."))) + f".{LIST}."
    update.delete(name, "A")
    if reply:
        update.add(name, 1, "A", reply)
    assert dns.query.tcp(update, lab.name_servers[0], timeout=5).rcode() == 0
    for server in lab.name_servers:
        wait_for(lambda at=server: True if shown(at, name) == reply else None, f"{server} shows something else")
    for host in PEOPLE:  # each smtpd process remembers, too, what a list said
        lab.run(host, "unbound-control flush_zone example.org && postfix reload")


def shown(server: str, name: str) -> str | None:
    answer = dns.query.udp(dns.message.make_query(name, "A"), server, timeout=5).answer
    return answer[0][0].to_text() if answer else None


@pytest.fixture(scope="module")
def guarded(published: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Both hosts with postscreen and a block list, as an operator would ask for them."""
    setting = f'postscreen=True,\n        blocklists=["{LIST}"]'
    succeed(published, "pyinfra", with_setting(tmp_path_factory.mktemp("guarded"), setting), "deploys/mail.py", "-y")
    for host in PEOPLE:  # who came before, in an earlier run, is not tested again
        published.run(
            host, "systemctl stop postfix; rm -f /var/lib/postfix/postscreen_cache.*; systemctl start postfix"
        )
    yield published
    on_list(published, None)
    succeed(published, *DEPLOY)


def test_who_talks_before_the_greeting_is_refused_and_who_waits_is_not(guarded: Lab, mailhost: str) -> None:
    """Postscreen's one test; it remembers who passed."""
    user, _ = PEOPLE[mailhost]
    on_list(guarded, None)
    assert told(guarded, mailhost, user, early=True).startswith("550 5.5.1 Protocol error")
    assert wait_for(lambda: said if (said := told(guarded, mailhost, user)).startswith("250") else None, "is refused")


def test_who_is_on_a_block_list_is_refused_except_at_postmaster(guarded: Lab, mailhost: str) -> None:
    """In words that name the list; whoever is listed by mistake can still complain."""
    user, postmaster = PEOPLE[mailhost]
    on_list(guarded, LISTED)
    refused = wait_for(lambda: said if (said := told(guarded, mailhost, user)).startswith("5") else None, "is let in")
    assert refused.startswith("554 5.7.1") and f"blocked using {LIST}" in refused, refused
    assert told(guarded, mailhost, postmaster).startswith("250 ")


def test_a_list_that_does_not_serve_us_keeps_nobody_out(guarded: Lab, mailhost: str) -> None:
    """127.255.255.x says that too many questions came through one resolver; it is no verdict about the sender."""
    user, _ = PEOPLE[mailhost]
    on_list(guarded, NOT_SERVED)
    assert wait_for(lambda: said if (said := told(guarded, mailhost, user)).startswith("2") else None, "is refused")
