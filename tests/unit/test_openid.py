"""Logins by access token: what is refused in an inventory, and what a host gets."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path

import pytest

from ironpost.component import Component
from ironpost.components import components_of
from ironpost.components.accounts import users_file
from ironpost.components.app_passwords import app_passwords_file
from ironpost.components.autoconfig import thunderbird
from ironpost.components.openid import accounts_file, providers_file
from ironpost.errors import InventoryError
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.render import render
from tests.golden.trees import MAILHOSTS
from tests.inventories import HASH, mailhost, write_inventory

MORE = "from ironpost.settings import Database, OpenId, ProbeLogin"
ISSUER = "https://login.example.org"
APP_PASSWORD = f'{{name = "phone", services = ["imap"], hash = "{base64.b64encode(bytes(80)).decode()}"}}'
PEOPLE = f"""
[anna]
password = "{HASH}"
networks = ["192.0.2.0/24"]
[gone]
password = "{HASH.replace("vusHU4g", "aaaaaaa")}"
disabled = true
[twice]
password = "{HASH.replace("vusHU4g", "bbbbbbb")}"
second_factor = "required"
"""


def openid(**changes: str) -> str:
    settings = {"issuer": f'"{ISSUER}"', "audience": '"mail"'} | changes
    return "OpenId(" + ", ".join(f"{name}={text}" for name, text in settings.items() if text) + ")"


def host(
    folder: Path, said: str = "", people: str = PEOPLE, users: str = '"users/people.toml"', **more: str
) -> MailHost:
    (folder / "users").mkdir(exist_ok=True)
    (folder / "users" / "people.toml").write_text(people)
    domains = f'[Domain(name="example.org", users={users}, openid={said or openid()})]'
    return read_inventory(write_inventory(folder, mailhost(domains=domains, **more), before=MORE)).mailhosts[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"issuer": '"http://login.example.org"'}, "issuer: 'http://login.example.org' does not begin with https://"),
        ({"issuer": '"https://192.0.2.1"'}, "does not name the provider: '192.0.2.1' is an address, not a name"),
        ({"issuer": '"https://login.example.org/?a=b"'}, "is more than an issuer; write it as the provider does"),
        ({"audience": ""}, "audience: is missing; add it"),
        ({"audience": '"mail and more"'}, "audience: 'mail and more' is not one word"),
        ({"algorithms": '["HS256"]'}, "algorithms.0: Input should be 'RS256'"),
        ({"algorithms": '["none"]'}, "algorithms.0: Input should be 'RS256'"),
        ({"algorithms": "[]"}, "algorithms: [] is not enough; name at least 1"),
        ({"keys_hours": "1000"}, "keys_hours: Input should be less than or equal to 168"),
        ({"authority": '"none.pem"'}, "none.pem: no such file"),
        ({"clients": '["mail"]', "token_type": '"JWT"'}, "audience: mail is a client too, so that its ID tokens would"),
        ({"tenant": '"x"'}, "tenant: there is no such setting"),
    ],
)
def test_a_provider_that_cannot_be_used_is_refused(tmp_path: Path, changes: dict[str, str], words: str) -> None:
    """Each mistake in a sentence, before anything is connected to."""
    with pytest.raises(InventoryError, match=re.escape(words)):
        host(tmp_path, openid(**changes))


def test_a_domain_whose_accounts_are_in_a_store_has_no_tokens(tmp_path: Path) -> None:
    """A token would open the mailbox of somebody whom the store has disabled."""
    (tmp_path / "password").touch(mode=0o600)
    (tmp_path / "password").write_text("word\n")
    store = 'Database(server="db.example.org", name="people", login="mail", password=Secret.file("password"))'
    with pytest.raises(InventoryError, match=r"openid: the accounts of example\.org are in a store"):
        host(tmp_path, users=store, admin='"anna@example.net"')


def test_a_probe_login_needs_a_domain_with_passwords(tmp_path: Path) -> None:
    """It would be refused at each verification, and look like an attack."""
    probe = 'ProbeLogin(address="anna@example.org", password=Secret.file("key.pem"))'
    with pytest.raises(InventoryError, match='openid of its domain says passwords="none"'):
        host(tmp_path, openid(passwords='"none"'), probe=probe)


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_no_store_of_passwords_is_asked_about_tokens(tmp_path: Path, release: str) -> None:
    """Dovecot hands a token to every passdb that does not say which mechanisms it is for."""
    text = text_at(host(tmp_path, release=f'"{release}"'), "/etc/dovecot/dovecot.conf")
    assert "auth_mechanisms = plain login oauthbearer xoauth2\n" in text
    blocks = re.findall(r"^passdb ?[\w-]* \{\n(.*?)^\}", text, re.M | re.S)
    said = [re.findall(r"^  mechanisms(?:_filter)? = (.*)$", block, re.M) for block in blocks]
    assert said.count(["plain login"]) == 2 and all(len(each) == 1 for each in said)
    alone = text_at(host(tmp_path, openid(passwords='"none"'), release=f'"{release}"'), "/etc/dovecot/dovecot.conf")
    assert "auth_mechanisms = oauthbearer xoauth2\n" in alone


def test_without_a_provider_nothing_of_it_is_there() -> None:
    """What is not there cannot be attacked."""
    parts = components_of(MAILHOSTS[0])
    assert not [file.path for part in parts for file in part.files if "openid" in file.path]
    assert not [name for part in parts for name in part.packages if name == "python3-jwt"]
    assert "oauth" not in text_at(MAILHOSTS[0], "/etc/dovecot/dovecot.conf")


def test_the_table_has_who_may_log_in_and_from_where(tmp_path: Path) -> None:
    """Disabled accounts are not in it; allowlists and second factors are."""
    rows = accounts_file(host(tmp_path, allow='Allow(imap=["192.0.2.64/26"])')).splitlines()[1:]
    assert rows == [
        "anna@example.org\tsmtp\t192.0.2.0/24\t-",
        "anna@example.org\timap\t192.0.2.64/26\t-",
        "anna@example.org\tpop3\t192.0.2.0/24\t-",
        "twice@example.org\tsmtp\t*\trequired",
        "twice@example.org\timap\t192.0.2.64/26\trequired",
        "twice@example.org\tpop3\t*\trequired",
    ]


@pytest.mark.parametrize(("passwords", "main", "app"), [("all", True, True), ("app", False, True), ("none", 0, 0)])
def test_passwords_stay_or_go_as_the_inventory_says(tmp_path: Path, passwords: str, main: bool, app: bool) -> None:
    people = f'[anna]\npassword = "{HASH}"\napp_passwords = [{APP_PASSWORD}]\n'
    found = host(tmp_path, openid(passwords=f'"{passwords}"'), people)
    assert (HASH in users_file(found)) is bool(main)
    assert ("phone" in app_passwords_file(found)) is bool(app)


def test_the_firewall_lets_the_check_out_to_the_providers_port(tmp_path: Path) -> None:
    """Its own user, and no other, where the inventory lets out only what is needed."""
    rules = text_at(host(tmp_path, openid(issuer='"https://login.example.org:8443"'), outgoing='"needed"'))
    line = 'meta skuid "ironpost-openid" tcp dport { 8443 } counter accept comment "keys of the OpenID provider"'
    assert line in rules


def test_the_service_gets_what_the_inventory_says(tmp_path: Path) -> None:
    """And no more algorithms than are listed."""
    (row,) = json.loads(providers_file(host(tmp_path, openid(scope='["mail"]', keys_hours="2"))))["providers"]
    assert row == {
        "domain": "example.org", "issuer": ISSUER, "audience": "mail", "claim": "email", "scope": ["mail"],
        "clients": [], "algorithms": ["RS256", "PS256", "ES256", "EdDSA"], "token_type": "at+jwt",
        "second_factor": None, "keys_seconds": 7200, "authority": "/etc/ssl/certs/ca-certificates.crt",
    }  # fmt: skip


def test_mail_programs_are_told_that_tokens_open_the_mailbox(tmp_path: Path) -> None:
    """Passwords come first where they do too: only some programs can ask a provider of the operator's own."""
    found = host(tmp_path)
    both = thunderbird(found.domains[0], found)
    assert both.count("<authentication>password-cleartext</authentication>\n") == 3
    assert both.count("<authentication>OAuth2</authentication>") == 3
    alone = host(tmp_path, openid(passwords='"none"'))
    assert "password-cleartext" not in thunderbird(alone.domains[0], alone)


@pytest.mark.parametrize(
    ("status", "dropped"),
    [("500", True), ("internal_failure", True), ("401", False), ("invalid_token", False)],
)
def test_postfix_is_told_that_nobody_could_judge_a_token(tmp_path: Path, status: str, dropped: bool) -> None:
    """Dovecot 2.4 says it in a challenge; those of other mechanisms are left alone."""
    program: dict[str, object] = {}
    text = render("/usr/lib/ironpost/login-answers", host(tmp_path)).removesuffix("asyncio.run(main())\n")
    exec(compile(text, "login-answers", "exec"), program)  # noqa: S102 - our own program
    judge = program["is_no_answer"]
    assert callable(judge)
    challenge = base64.b64encode(json.dumps({"status": status, "scope": "mail"}).encode())
    assert judge(b"CONT\t1\t" + challenge + b"\n") is dropped
    assert not judge(b"CONT\t1\tVXNlcm5hbWU6\n") and not judge(b"CONT\t1\t\n")


def text_at(found: MailHost, path: str = "/etc/nftables.conf") -> str:
    parts: tuple[Component, ...] = components_of(found)
    return next(str(file.content) for part in parts for file in part.files if file.path == path)
