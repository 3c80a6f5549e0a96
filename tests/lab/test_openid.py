"""Logins with access tokens of a provider, on both releases: whom they open what for, and which ones open nothing."""

from __future__ import annotations

import base64
import contextlib
import json
import shlex
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ironpost.lab import Lab, up
from ironpost.lab.mail import letter, submissions
from tests.lab.deployment import DEPLOY, succeed
from tests.lab.openid import forged
from tests.lab.openid.client import Browser, token_of
from tests.lab.openid.inventory import DOMAINS, PASSWORD, address, with_openid
from tests.lab.openid.logins import MECHANISMS, by_imap, by_pop3, by_smtp, everywhere, message
from tests.lab.openid.server import SERVER, issuer, serve_provider
from tests.lab.test_people import asked, plain

pytestmark = pytest.mark.soak
both = pytest.mark.parametrize("host", [pytest.param("mx1", id="trixie"), pytest.param("mx2", id="bookworm")])
OUTSIDE = "bob@example.net"
OPENED = (235, "OK", "+OK Logged in.")
REFUSED = (535, "[AUTHENTICATIONFAILED] Authentication failed.", "-ERR [AUTH] Authentication failed.")


@dataclass
class Tokens:
    """The lab, and every token that these tests had: none of them may stand in a journal."""

    lab: Lab
    inventory: str
    since: str
    seen: list[tuple[str, str]] = field(default_factory=list)
    soon_expired: dict[str, str] = field(default_factory=dict)

    def of(self, host: str, name: str, variant: str = "mail", scope: str = "mail", domain: str = "staff") -> str:
        person = address(host, name, domain)
        return self.kept(person, token_of(self.lab, person, variant, scope))

    def kept(self, person: str, token: str) -> str:
        self.seen.append((person, token))
        return token


@pytest.fixture(scope="module")
def tokens(deployed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tokens]:
    """A provider on one bare host, and two more domains on each mail host, whose people get tokens there."""
    lab = up(deployed.name, extra_hosts=1)
    lab.reset(SERVER)
    serve_provider(lab)
    inventory = with_openid(lab, tmp_path_factory.mktemp("openid"))
    succeed(lab, "pyinfra", inventory, *DEPLOY[2:])
    assert "nothing to change" in succeed(lab, "ironpost", "plan", inventory, "--exit-code", "--hosts-only")
    made = Tokens(lab, inventory, lab.run("mx1", "date '+%Y-%m-%d %H:%M:%S'").stdout.strip())
    made.soon_expired = {host: made.of(host, "nora", "short") for host in DOMAINS}
    yield made
    succeed(lab, *DEPLOY)


@both
@pytest.mark.parametrize("variant", ["mail", "curve", "long"])
def test_a_token_opens_every_service_to_its_owner(tokens: Tokens, host: str, variant: str) -> None:
    """Signed by RSA or on a curve, of one line or of several KiB, by the standard mechanism or its older twin."""
    user, token = address(host, "nora"), tokens.of(host, "nora", variant)
    for mechanism in MECHANISMS:
        assert by_smtp(tokens.lab, host, user, token, mechanism)[0] == 235
        assert by_imap(tokens.lab, host, user.capitalize(), token, mechanism) == "OK"
        assert by_pop3(tokens.lab, host, user, token, mechanism).startswith("+OK")


@both
def test_who_came_with_a_token_sends_as_itself_alone(tokens: Tokens, host: str) -> None:
    """And its recipients are counted like those of anybody who came with a password."""
    user, other = address(host, "nora"), address(host, "olaf")
    said = base64.b64encode(message(user, tokens.of(host, "nora"))).decode()
    with submissions(tokens.lab, host) as session:
        session.ehlo()
        assert session.docmd("AUTH", f"OAUTHBEARER {said}")[0] == 235
        session.mail(other)
        assert session.rcpt(OUTSIDE)[0] == 553
        session.rset()
        session.send_message(letter(user, OUTSIDE, "by token"), from_addr=user)
    counted = f"SELECT sum(recipients) FROM sent WHERE who = {user!r}"  # noqa: S608 - nobody but this test names it
    program = (
        f'import sqlite3; print(sqlite3.connect("/var/lib/ironpost-sending/counts.db").execute("{counted}").fetchone())'
    )
    assert int(tokens.lab.run(host, f"python3 -c {shlex.quote(program)}").stdout.strip("(,)\n")) >= 1


@both
def test_tokens_that_were_meant_for_something_else_open_nothing(tokens: Tokens, host: str) -> None:
    """Each is genuine, and the provider has signed it."""
    nora, foreign = address(host, "nora"), f"alice@{DOMAINS[host]}"
    time.sleep(max(0.0, forged.opened(tokens.soon_expired[host])[1]["exp"] + 35 - time.time()))
    tried = {
        "another audience": (nora, tokens.of(host, "nora", "other")),
        "expired": (nora, tokens.soon_expired[host]),
        "without the scope": (nora, tokens.of(host, "nora", scope="calendar")),
        "an address that the provider has not verified": (nora, tokens.of(host, "nora", "unverified")),
        "somebody else's": (address(host, "olaf"), tokens.of(host, "nora")),
        "of a domain without a provider": (foreign, tokens.kept(foreign, token_of(tokens.lab, foreign))),
        "of a disabled account": (address(host, "gone"), tokens.of(host, "gone")),
        "of nobody": (address(host, "nobody"), tokens.of(host, "nobody")),
        "from outside of the account's networks": (address(host, "far"), tokens.of(host, "far")),
        "without the second factor": (address(host, "twice"), tokens.of(host, "twice")),
    }
    assert opened_by(tokens.lab, host, tried) == {}
    assert everywhere(tokens.lab, host, address(host, "twice"), tokens.of(host, "twice", "twice")) == OPENED


@both
def test_tokens_that_the_provider_has_not_signed_open_nothing(tokens: Tokens, host: str) -> None:
    """RFC 8725: no signature, the public key as a shared word, a key that the token brings along, other claims."""
    nora, token = address(host, "nora"), tokens.of(host, "nora")
    olaf, jwks = address(host, "olaf"), json.loads(Browser(tokens.lab).ask("GET", f"{issuer(tokens.lab)}/jwks")[1])
    own = rsa.generate_private_key(65537, 2048)
    tried = {
        "alg none": (nora, forged.without_signature(token)),
        "HS256 by the public key": (nora, forged.by_the_public_key(token, jwks)),
        "a key of its own": (nora, forged.by_a_key_of_its_own(token, own)),
        "another address": (olaf, forged.changed(token, email=olaf, sub=olaf)),
        "no JWT": (nora, "opaque-token-of-a-provider"),
        "the password": (nora, PASSWORD.encode("ascii", "ignore").decode()),
    }
    assert opened_by(tokens.lab, host, tried) == {}


def opened_by(lab: Lab, host: str, tried: dict[str, tuple[str, str]]) -> dict[str, object]:
    """Which of these were answered with anything but the refusal of a wrong token."""
    with ThreadPoolExecutor(4) as pool:  # a refusal waits for two seconds
        said = pool.map(lambda each: everywhere(lab, host, *each), tried.values())
        answers = dict(zip(tried, said, strict=True))
    return {what: each for what, each in answers.items() if each != REFUSED}


@both
def test_passwords_open_what_the_inventory_says(tokens: Tokens, host: str) -> None:
    """Beside tokens in one domain, and not at all in the other."""
    both_ways, tokens_alone = address(host, "nora"), address(host, "tina", "token")
    near = "192.0.2.77"
    visits = [(user, PASSWORD, "imap", near) for user in (both_ways, tokens_alone)]
    assert asked(tokens.lab, host, visits) == [True, False]
    with submissions(tokens.lab, host) as session:
        session.ehlo()
        login = base64.b64encode(plain(tokens_alone, PASSWORD)).decode()
        assert session.docmd("AUTH", "PLAIN " + login)[0] == 535
    token = tokens.of(host, "tina", domain="token")
    assert everywhere(tokens.lab, host, tokens_alone, token) == OPENED


@both
def test_the_check_of_tokens_reaches_the_provider_and_nothing_else(tokens: Tokens, host: str) -> None:
    """Its user alone, and its port alone."""
    reach = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)"
    to = tokens.lab.host(SERVER).ipv4
    answers = [
        tokens.lab.run(host, f"runuser -u {user} -- python3 -c '{reach}' {to} {port}", check=False).returncode
        for user, port in (("ironpost-openid", 443), ("ironpost-openid", 22), ("nobody", 443))
    ]
    assert answers == [0, 1, 1]


@both
def test_no_token_stands_in_a_journal(tokens: Tokens, host: str) -> None:
    """Neither whole nor in the form in which a client sends it; and what was refused is told in words."""
    everything = tokens.lab.run(host, f"journalctl -q --no-pager --since '{tokens.since}'", timeout=120).stdout
    for phrase in ("it is for another audience", "it has expired", "its signature is wrong", "may not log in to"):
        assert phrase in everything, phrase
    for user, token in tokens.seen:
        signature = token.rpartition(".")[2]
        for each in (signature[:40], token.split(".")[1][:60], *sent(user, token)):
            assert each not in everything


def sent(user: str, token: str) -> Iterator[str]:
    """Pieces from the middle of what went over the wire."""
    for mechanism in MECHANISMS:
        with contextlib.suppress(ValueError):
            yield base64.b64encode(message(user, token, mechanism)).decode()[200:260]
