"""The check of access tokens on a host, against a provider that speaks HTTPS: good keys, old ones, and rubbish."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import RSAAlgorithm

from ironpost.openid.answers import PutOff, Refused
from ironpost.openid.check import Checker, Visit
from ironpost.openid.jwk import keys_of
from ironpost.openid.server import answer
from tests.openid_provider import ANNA, KEY, Provider, jwk, provider

__all__ = ["provider"]

NEW_KEY = rsa.generate_private_key(65537, 2048)
NOBODYS = rsa.generate_private_key(65537, 2048)
HOME = Visit("imap", "192.0.2.7")


def owner(checker: Checker, token: str, visit: Visit = HOME) -> str:
    return asyncio.run(checker.owner(token, visit))


def test_a_good_token_is_its_owners(provider: Provider) -> None:
    """By RSA and on a curve; the audience may be one of several."""
    provider.keys.append(jwk(curve := ec.generate_private_key(ec.SECP256R1()), "two"))
    checker = provider.checker()
    assert owner(checker, provider.token()) == ANNA
    assert owner(checker, provider.token(aud=["calendar", "mail"], email="Anna@Example.org")) == ANNA
    assert owner(checker, provider.token(curve, "ES256", {"kid": "two"})) == ANNA


NOW = int(time.time())
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "audience": ({"aud": "calendar"}, "it is for another audience"),
    "no audience": ({"aud": None}, "it lacks a claim|another audience"),
    "expired": ({"exp": NOW - 60, "iat": NOW - 120}, "it has expired"),
    "no end": ({"exp": None}, "it lacks a claim that it must have"),
    "not yet": ({"nbf": NOW + 600}, "it is not valid yet"),
    "issuer": ({"iss": "https://elsewhere.example"}, "its issuer is none that is trusted here"),
    "signature": ({"key": NOBODYS}, "its signature is wrong"),
    "type": ({"head": {"typ": "JWT"}}, "its type is not at\\+jwt"),
    "extensions": ({"head": {"crit": ["x"], "x": 1}}, "extensions that are not known|no signed JWT"),
    "word": ({"key": "a word of thirty-two letters or more", "alg": "HS256"}, "not signed with an algorithm"),
    "key": ({"head": {"kid": "zero"}}, "signed with a key that the provider does not have"),
    "domain": ({"email": "anna@example.net"}, "its email names nobody of example.org"),
    "no address": ({"email": None}, "its email names nobody of example.org"),
    "unverified": ({"email_verified": False}, "has not verified the address"),
    "unknown account": ({"email": "otto@example.org"}, "otto@example.org may not log in to imap with a token"),
}


@pytest.mark.parametrize("what", sorted(BAD))
def test_a_bad_token_is_refused_with_its_reason(provider: Provider, what: str) -> None:
    """RFC 9068 §4, RFC 8725 §3; the reason quotes nothing that was not verified."""
    made, words = BAD[what]
    with pytest.raises(Refused, match=words):
        owner(provider.checker(), provider.token(**made))


@pytest.mark.parametrize("token", ["", "a.b.c", "x" * 20000, "..", "bnVsbA.bnVsbA.bnVsbA", "é.é.é"])
def test_what_is_no_token_is_refused(provider: Provider, token: str) -> None:
    with pytest.raises(Refused, match="it is no signed JWT"):
        owner(provider.checker(), token)


def test_scopes_programs_networks_and_second_factors_are_asked_for(provider: Provider) -> None:
    """Each that the inventory names, besides everything else."""
    scoped = provider.checker(scope=["mail"], clients=["program"])
    assert owner(scoped, provider.token(scope="openid mail", client_id="program")) == ANNA
    assert owner(scoped, provider.token(scp=["mail"], azp="program")) == ANNA
    with pytest.raises(Refused, match="the scope mail was not granted"):
        owner(scoped, provider.token(scope="mailing", client_id="program"))
    with pytest.raises(Refused, match="a program that is not listed"):
        owner(scoped, provider.token(scope="mail"))
    plain = provider.checker()
    for visit in (Visit("imap", "198.51.100.1"), Visit("imap", "")):
        with pytest.raises(Refused, match="may not log in to imap from there"):
            owner(plain, provider.token(), visit)
    with pytest.raises(Refused, match="needs a second factor"):
        owner(plain, provider.token(amr=["pwd"]), Visit("smtp", ""))
    assert owner(plain, provider.token(amr=["pwd", "mfa"]), Visit("smtp", "")) == ANNA
    assert owner(provider.checker(second_factor="gold"), provider.token(acr="gold"), Visit("smtp", "")) == ANNA


def test_a_provider_of_two_domains_is_asked_for_each(provider: Provider) -> None:
    """And the reason that is told is the one of the token's own domain."""
    provider.checker()
    rows = json.loads((provider.folder / "providers.json").read_text())["providers"]
    both = {"providers": [rows[0], rows[0] | {"domain": "example.net"}]}
    (provider.folder / "providers.json").write_text(json.dumps(both))
    checker = Checker(provider.folder / "providers.json", provider.folder / "accounts", provider.folder)
    assert owner(checker, provider.token()) == ANNA
    for name in ("otto@example.org", "otto@example.net"):
        with pytest.raises(Refused, match=f"{name} may not log in to imap"):
            owner(checker, provider.token(email=name))
    with pytest.raises(Refused, match=r"names nobody of example\.org"):
        owner(checker, provider.token(email="otto@example.info"))


RUBBISH: dict[str, Callable[[str], tuple[int, bytes]]] = {
    "an error": lambda _: (500, b""),
    "a page": lambda _: (200, b"<html>"),
    "a list": lambda _: (200, b"[]"),
    "too much": lambda _: (200, b" " * 300_000 + b"{}"),
    "too deep": lambda _: (200, b'{"a":' * 100_000),
    "a redirection": lambda _: (302, b""),
    "another issuer": lambda _: (200, b'{"issuer": "https://elsewhere.example", "jwks_uri": "https://localhost/"}'),
}


@pytest.mark.parametrize("what", sorted(RUBBISH))
def test_a_provider_that_answers_rubbish_puts_logins_off(provider: Provider, what: str) -> None:
    """Nobody is let in, nobody hears that the token is wrong, and keys that are known go on."""
    known = provider.checker()
    assert owner(known, provider.token()) == ANNA
    provider.says = RUBBISH[what]
    next(iter(known.keys.values())).tried -= 3600
    assert owner(known, provider.token()) == ANNA
    with pytest.raises(PutOff, match="signed with a key that is not known here"):
        next(iter(known.keys.values())).tried -= 3600
        owner(known, provider.token(head={"kid": "zero"}))
    for kept in provider.folder.glob("*[0-9a-f].json"):
        kept.unlink()
    with pytest.raises(PutOff, match="its keys are too old"):
        owner(provider.checker(), provider.token())


@pytest.mark.parametrize("url", ["http://localhost/", "https://[", "", "file:///etc/passwd", "https://localhost:x/"])
def test_keys_from_anywhere_but_https_are_not_fetched(provider: Provider, url: str) -> None:
    provider.says = lambda _: (200, json.dumps({"issuer": provider.issuer, "jwks_uri": url}).encode())
    with pytest.raises(PutOff):
        owner(provider.checker(), provider.token())


def test_keys_without_use_for_signatures_are_no_keys(provider: Provider) -> None:
    """Symmetric, short and damaged ones, and those for encryption; a private one is read as its public half."""
    short = jwk(rsa.generate_private_key(65537, 1024))  # noqa: S505 - it must be refused
    shared = {"kty": "oct", "k": "c2VjcmV0", "kid": "one"}
    assert keys_of([short, shared, jwk(KEY, use="enc"), jwk(KEY, n="!"), {"kty": "RSA"}, 7, None]) == ()
    private = RSAAlgorithm.to_jwk(KEY, as_dict=True) | {"kid": "one", "key_ops": ["sign", "verify"]}
    assert not hasattr(keys_of([private])[0].public, "private_numbers")
    (narrow,) = keys_of([jwk(KEY, alg="PS256")])
    assert narrow.algorithms == {"PS256"}


def test_keys_are_kept_for_a_while_and_over_a_restart(provider: Provider) -> None:
    """Bounded by the inventory; a file of another issuer counts for nothing."""
    assert owner(provider.checker(), provider.token()) == ANNA
    provider.says = RUBBISH["an error"]
    assert owner(provider.checker(), provider.token()) == ANNA
    (file,) = [path for path in provider.folder.glob("*.json") if path.name != "providers.json"]
    kept = json.loads(file.read_text())
    file.write_text(json.dumps(kept | {"fetched": kept["fetched"] - 4000}))
    with pytest.raises(PutOff, match="does not answer, and its keys are too old"):
        owner(provider.checker(), provider.token())
    for damage in (json.dumps(kept | {"issuer": "https://elsewhere.example"}), "{", "[]"):
        file.write_text(damage)
        with pytest.raises(PutOff):
            owner(provider.checker(), provider.token())


def test_a_new_key_is_fetched_when_it_is_first_seen_and_not_at_each_try(provider: Provider) -> None:
    """Somebody who makes up names of keys must not make us knock at the provider's door."""
    checker = provider.checker()
    assert owner(checker, provider.token()) == ANNA
    asked = provider.asked
    for number in range(5):
        with pytest.raises(Refused):
            owner(checker, provider.token(head={"kid": f"made up {number}"}))
    assert provider.asked == asked
    provider.keys[:] = [jwk(NEW_KEY, "two")]
    next(iter(checker.keys.values())).tried -= 60
    assert owner(checker, provider.token(NEW_KEY, head={"kid": "two"})) == ANNA
    with pytest.raises(Refused, match="a key that the provider does not have"):
        owner(checker, provider.token())


def test_keys_are_looked_at_without_a_login(provider: Provider) -> None:
    """Nobody waits for a provider that is slow, and a key that it withdrew is gone although nobody new comes."""
    keys = next(iter(provider.checker().keys.values()))

    async def for_a_moment() -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(keys.keep_fresh(), 2)

    asyncio.run(for_a_moment())
    assert [key.kid for key in keys.keys] == ["one"]
    asked = provider.asked
    asyncio.run(for_a_moment())
    assert provider.asked == asked, "they are fresh"
    keys.fetched, keys.tried, provider.keys[:] = time.time() - 4000, 0, [jwk(NEW_KEY, "two")]
    asyncio.run(for_a_moment())
    assert [key.kid for key in keys.keys] == ["two"]


def test_a_certificate_of_somebody_else_puts_logins_off(provider: Provider) -> None:
    """Whoever stands between us and the provider has no keys for us."""
    with pytest.raises(PutOff):
        owner(provider.checker(authority="/etc/ssl/certs/ca-certificates.crt"), provider.token())


@pytest.mark.parametrize(
    ("what", "body", "status"),
    [
        ("POST /introspect", b"token=none", 200),
        ("POST /introspect", b"token=a&token=b", 400),
        ("POST /introspect", b"", 400),
        ("GET /introspect?token=a", b"", 404),
    ],
)
def test_dovecot_is_answered_as_it_must_be(provider: Provider, what: str, body: bytes, status: int) -> None:
    """Only a clear yes says so."""
    got, said = asyncio.run(answer(provider.checker(), what, {}, body))
    assert got == status and "true" not in json.dumps(said)


def test_a_fault_of_the_check_itself_puts_off_and_tells_no_token(
    provider: Provider, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table that is missing is no reason to let anybody in."""
    checker, token = provider.checker(), provider.token()
    (provider.folder / "accounts").unlink()
    headers = {"x-dovecot-auth-service": "imap", "x-dovecot-auth-remote": "[2001:db8::1]:4711"}
    assert asyncio.run(answer(checker, "POST /introspect", headers, f"token={token}".encode())) == (503, {})
    told = capsys.readouterr().err
    assert "imap from 2001:db8::1: a login is put off: FileNotFoundError" in told
    with contextlib.suppress(ValueError):
        assert not any(part in told for part in token.split("."))
