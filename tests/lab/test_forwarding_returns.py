"""What comes back to a host that forwards: bounces, forged return addresses; and chains of seals that go on."""

from __future__ import annotations

import base64
import email.policy
import hashlib
import hmac
import time

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import at_outside, letter, parsed, wait_for, write_from_outside
from ironpost.lab.trust import RSA_SELECTOR
from tests.lab.forwarding import both, chain_holds, forwarded, return_path
from tests.lab.test_mail import fresh, port_25

pytestmark = pytest.mark.soak
DAY = 86400
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # of the day in an SRS address


@both
def test_a_bounce_comes_back_to_the_author(published: Lab, host: str, address: str) -> None:
    """The next operator answers the address that it was given; a reply to the null sender stays one."""
    sender, subject = return_path(forwarded(published, host, address)), fresh("bounce")
    bounce = letter("postmaster@example.net", sender, subject)
    published.run("outside", f"sendmail -i -f '<>' '{sender}'", input=bounce.as_string())
    found = parsed(at_outside(published, "carol", subject))
    assert found["Return-Path"] == "<>" and found["X-Original-To"] == "carol@example.net"


@both
def test_a_refused_forwarding_is_told_to_the_author(published: Lab, host: str, address: str) -> None:
    """In one bounce of ours, signed, to the sender that postsrsd wrote down, and to nobody else."""
    published.run("outside", "postconf -e 'smtpd_sender_restrictions=check_recipient_access "
                  "inline:{ {bob@example.net = 550 5.7.1 not for bob} }' && postfix reload")  # fmt: skip
    try:
        subject = fresh("refused")
        write_from_outside(published, "carol", letter("carol@example.net", address, subject))
        script = f"grep -rl 'Subject: {subject}' /home/carol/Maildir/new | xargs -r grep -l 'not for bob' || true"
        path = wait_for(lambda: published.run("outside", script).stdout.strip() or None, "no bounce came to carol")
    finally:
        published.run("outside", "postconf -X smtpd_sender_restrictions && postfix reload")
    text = published.run("outside", f"cat {path}").stdout
    assert "Return-Path: <>" in text and f"d={address.partition('@')[2]}" in text


def srs_address(secret: str, sender: str, host: str, now: float) -> str:
    """As postsrsd makes one: the day modulo 1024 in two digits, and HMAC-SHA1 over day, domain and user."""
    user, _, domain = sender.partition("@")
    day = int(now // DAY)
    stamp = DIGITS[day >> 5 & 31] + DIGITS[day & 31]
    digest = hmac.new(secret.encode(), (stamp + domain + user).lower().encode(), hashlib.sha1).digest()
    return f"SRS0={base64.b64encode(digest).decode()[:6]}={stamp}={domain}={user}@{host}"


@both
def test_forged_and_expired_addresses_are_refused_in_the_session(published: Lab, host: str, address: str) -> None:
    """Otherwise anybody could write to anybody through us, or have us bounce to whom they like."""
    name = published.host(host).fqdn
    secret = published.run(host, "head -n 1 /etc/postsrsd.secret").stdout.strip()
    now = time.time()
    good = srs_address(secret, "carol@example.net", name, now)
    refused = {
        "old": srs_address(secret, "carol@example.net", name, now - 23 * DAY),
        "forged": srs_address("another", "carol@example.net", name, now),
        "for somebody else": good.replace("carol", "bob"),
        "of another host": good.replace(name, address.partition("@")[2]),
        "nonsense": f"SRS0=x@{name}",
    }
    with port_25(published, host) as session:
        session.mail("")
        assert session.rcpt(good)[0] == 250
        assert session.rcpt(good.lower())[0] == 250  # some write everything in small letters
    for why, recipient in refused.items():
        with port_25(published, host) as session:
            session.mail("")
            code, reply = session.rcpt(recipient)
        assert code == 550 and reply.startswith(b"5.1.1"), (why, code, reply)


@both
def test_a_new_secret_leaves_the_addresses_of_the_old_one_valid(published: Lab, host: str, address: str) -> None:
    """Bounces come for weeks; after a second month the first secret is gone."""
    where, forward = "/etc/postsrsd.secret", "postmap -q carol@example.net tcp:127.0.0.1:10001"
    old = published.run(host, forward).stdout.strip()
    for lines in (2, 2):
        published.run(host, f"touch -d '31 days ago' {where} && systemctl start ironpost-srs.service && sleep 1")
        assert published.run(host, f"wc -l <{where}; stat -c '%a %U %G' {where}").stdout.split() == [
            str(lines), "640", "root", "postsrsd",
        ]  # fmt: skip
        new = published.run(host, forward).stdout.strip()
        assert new != old
        back = published.run(host, f"postmap -q '{old}' tcp:127.0.0.1:10002").stdout.strip()
        assert back == "carol@example.net"
        old = new
    published.run(host, "systemctl start ironpost-srs.service && sleep 1")
    assert published.run(host, forward).stdout.strip() == old  # none is due


SEAL = """
import dkim, sys
key, message = open("/etc/outside-dkim/rsa.pem", "rb").read(), sys.stdin.buffer.read()
for number in range(int(sys.argv[1])):
    told = b"Authentication-Results: mail.example.net; spf=pass smtp.mailfrom=carol@example.net"
    told += b"; arc=pass" * (number > 0) + b"\\n" + message
    rows = dkim.arc_sign(told, b"{selector}", b"example.net", key, b"mail.example.net", linesep=b"\\n")
    message = b"".join(row.replace(b"\\r\\n", b"\\n").rstrip(b"\\n") + b"\\n" for row in rows) + message
sys.stdout.buffer.write(message)
"""


@both
@pytest.mark.parametrize("seals", [1, 2])
def test_a_chain_of_seals_stays_whole(published: Lab, host: str, address: str, seals: int) -> None:
    """Ours is added as the next one, or the chain stays as it came; a broken one would be worth less than none."""
    subject = fresh("chain")
    program = SEAL.replace("{selector}", RSA_SELECTOR)
    message = letter("carol@example.net", address, subject).as_bytes(policy=email.policy.default).decode()
    published.run("outside", "cat >/tmp/seal.py", input=program)
    sealed = published.run("outside", f"python3 /tmp/seal.py {seals}", input=message).stdout
    assert sealed.count("ARC-Seal:") == seals
    published.run("outside", f"runuser -u carol -- sendmail -i -f carol@example.net {address}", input=sealed)
    raw = at_outside(published, "bob", subject)
    added = not (host == "mx2" and seals > 1)  # decisions/0022
    last = address.partition("@")[2] if added else "example.net"
    assert (chain_holds(published, raw), raw.count(b"ARC-Seal:")) == (("pass", last), seals + added)
    seal = next(each for each in parsed(raw).get_all("ARC-Seal", []) if f"i={seals + 1};" in str(each)) if added else ""
    assert not added or "cv=pass" in str(seal)
