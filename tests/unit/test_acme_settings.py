"""What an operator may say about ACME, and what the host is told of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ironpost.components.certificates import CONFIG, NEXT_KEY, TSIG, certificates
from ironpost.mailhost import Domain, MailHost
from ironpost.secret import Secret
from ironpost.settings import Acme, Rfc2136, TsigKey

WAY = Rfc2136(
    primary="192.0.2.53", servers=("192.0.2.53",), key=TsigKey(name="acme.example.org", secret=Secret.env("UNREAD"))
)


def host(acme: Acme) -> MailHost:
    domain = Domain(name="example.org", users="u.toml")
    return MailHost(
        name="mx1.example.org",
        release="trixie",
        tls="modern",
        ipv4="192.0.2.1",
        admin="a@example.org",
        domains=(domain,),
        certificate=acme,
    )


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"challenge": "dns-01"}, "dns-01 needs dns="),
        ({"challenge": "http-01", "dns": WAY}, "http-01 has no use for it"),
        ({"challenge": "tls-alpn-01"}, "Input should be 'dns-01' or 'http-01'"),
        ({"challenge": "http-01", "directory": "http://acme.example/dir"}, "write its https:// address"),
        ({"challenge": "http-01", "contact": "nobody"}, "is not a mail address"),
    ],
)
def test_what_cannot_work_is_said_before_anything_connects(settings: dict[str, Any], told: str) -> None:
    """An authority locks out who tries again and again what cannot work."""
    acme = Acme(**({"contact": "a@example.org"} | settings))
    assert any(told in mistake for mistake in acme.mistakes), acme.mistakes


def test_no_secret_stands_in_what_the_host_is_told() -> None:
    """The configuration is open to read; the key has a file of its own that nobody else reads."""
    files = {
        file.path: file for file in certificates(host(Acme(contact="a@example.org", challenge="dns-01", dns=WAY))).files
    }
    told = json.loads(str(files[CONFIG].content))
    assert told["dns"]["secret_file"] == TSIG and "secret" not in told["dns"]
    assert files[TSIG].is_secret and files[TSIG].mode == 0o600


def test_key_and_chain_are_one_file_for_all_who_serve_them() -> None:
    """One rename replaces both, so that no daemon meets halves of two certificates."""
    one = host(Acme(contact="a@example.org", challenge="http-01"))
    assert one.tls_key == one.tls_chain and one.postfix_chain_files == one.tls_chain and not one.tls_rsa
    both = host(Acme(contact="a@example.org", challenge="http-01", rsa=True))
    assert both.postfix_chain_files == "/etc/ssl/ironpost/all.pem"
    [keys] = certificates(both).tls_keys
    assert keys.kinds == ("ecdsa", "rsa") and keys.names == both.certificate_names


def test_the_key_of_the_files_that_follow_is_told_to_dns_beforehand() -> None:
    """The way back from ACME: caches know it before it is served."""
    one = certificates(host(Acme(contact="a@example.org", challenge="http-01", next_key=Secret.env("UNREAD"))))
    [file] = [each for each in one.files if each.path == NEXT_KEY]
    assert file.is_secret and file.mode == 0o600
    assert [(each.path, each.state) for each in one.tls_files] == [(NEXT_KEY, "next")]
    assert any(NEXT_KEY in str(check) for check in one.checks)
