"""Options against spam: block lists and the greeting that waits; off by default, and sparing whoever is honest."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Iterator

import pytest

from ironpost.lab import Lab
from ironpost.lab.guess import newcomer
from tests.lab.deployment import DEPLOY, succeed
from tests.lab.inventories import with_setting
from tests.lab.sabotage import PEOPLE
from tests.lab.sabotage.policy import SHORT, publish

# What Postfix and rspamd must not ask: everything that would tell others about our mail.
ASKS_OTHERS = (
    "asn", "bimi", "dcc", "emails", "external_services", "fuzzy_check", "mid", "mx_check", "p0f", "phishing", "rbl",
    "rspamd_update", "spf_whitelist", "surbl", "url_redirector", "whitelist",
)  # fmt: skip
# Talks to port 25 as a server does, or before it is greeted; prints the reply to RCPT. The fourth argument: from where.
TALK = """
import socket, sys
host, early, recipient = sys.argv[1], sys.argv[2] == "early", sys.argv[3]
with socket.create_connection((host, 25), 30, (sys.argv[4], 0)) as wire:
    stream = wire.makefile("rwb")
    def reply():
        while (line := stream.readline())[3:4] == b"-":
            pass
        return line.decode().strip()
    if early:
        stream.write(b"EHLO host.stranger.example\\r\\n"); stream.flush()
    reply()
    commands = ["MAIL FROM:<>", f"RCPT TO:<{recipient}>"]
    for command in ([] if early else ["EHLO host.stranger.example"]) + commands:
        if early:
            early = False
            reply()
        stream.write(command.encode() + b"\\r\\n"); stream.flush()
        last = reply()
    print(last)
"""


def test_nobody_is_asked_about_our_mail(deployed: Lab, mailhost: str) -> None:
    """Each module that would ask others is off, as rspamd itself reads its configuration."""
    dumped = json.loads(deployed.run(mailhost, "rspamadm configdump -j").stdout)
    # a module that the release does not have, or that nothing configures, is not run
    assert [name for name in ASKS_OTHERS if dumped.get(name) and dumped[name].get("enabled", True)] == []
    restrictions = deployed.run(mailhost, "postconf -h smtpd_recipient_restrictions").stdout
    assert restrictions.split(None, 1)[0] == "reject_non_fqdn_recipient" and "rbl" not in restrictions


@pytest.fixture(scope="module")
def strict(published: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Both hosts with postscreen and a block list each, in their own zones."""
    settings = 'postscreen=True, blocklists=[f"bl.{domain}"]'
    inventory = with_setting(tmp_path_factory.mktemp("strict"), settings)
    try:
        succeed(published, "pyinfra", inventory, "deploys/mail.py", "-y")
        yield published
    finally:
        succeed(published, *DEPLOY)
        succeed(published, "ironpost", "dns", "apply", "inventories/lab.py", "--insist")


def list_stranger(lab: Lab, host: str, answer: str) -> None:
    """What the block list of that host says of the stranger from now on."""
    address = ipaddress.ip_address(lab.host("stranger").ipv4)
    reverse = address.reverse_pointer.removesuffix(".in-addr.arpa")
    publish(lab, host, f"{reverse}.bl.{PEOPLE[host][0]}", "A", answer)
    # smtpd remembers what a list said for as long as its process lives
    lab.run(host, "systemctl restart unbound; postfix reload 2>/dev/null; sleep 1")


def talk(lab: Lab, host: str, recipient: str, how: str = "late", source: str = "0.0.0.0") -> str:
    words = f"{lab.host(host).ipv4} {how} {recipient} {source}"
    return lab.run("stranger", f"python3 - {words}", input=TALK).stdout.strip()


@pytest.mark.soak
def test_a_listed_stranger_is_refused_and_may_still_ask_why(strict: Lab, mailhost: str) -> None:
    """127.0.0.2 means listed; postmaster is reached all the same; a list that refuses to answer lists nobody."""
    domain, second = PEOPLE[mailhost]
    assert talk(strict, mailhost, f"{second}@{domain}").startswith("250")
    list_stranger(strict, mailhost, "127.0.0.2")
    assert talk(strict, mailhost, f"{second}@{domain}").startswith("554 5.7.1")
    assert talk(strict, mailhost, f"abuse@{domain}").startswith("250")
    list_stranger(strict, mailhost, "127.255.255.254")
    time.sleep(SHORT)
    assert talk(strict, mailhost, f"{second}@{domain}").startswith("250")


@pytest.mark.soak
def test_whoever_talks_before_the_greeting_is_refused(strict: Lab, mailhost: str) -> None:
    """Programs that send spam do not wait; honest servers do, and lose six seconds once. Who waited is remembered."""
    domain, second = PEOPLE[mailhost]
    source = newcomer(strict, 4)
    assert talk(strict, mailhost, f"{second}@{domain}", "early", source).startswith("550 5.5.1 Protocol error")
    assert talk(strict, mailhost, f"{second}@{domain}", "late", newcomer(strict, 4)).startswith("250")
