"""Mistakes in a certificate are told on the controller, before a host has it and every client complains."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from ironpost.certificate import certificate_mistakes
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from tests.certificates import CA, LEAF_KEY, NOW, issued, leaf
from tests.inventories import mailhost, write_inventory


@pytest.fixture
def with_chain(tmp_path: Path) -> Callable[[str], MailHost]:
    """A mail host mx1.example.org whose inventory names a chain of this text."""

    def make(text: str) -> MailHost:
        inventory = write_inventory(tmp_path, mailhost())
        (tmp_path / "chain.pem").write_text(text)
        return read_inventory(inventory).mailhosts[0]

    return make


def test_a_chain_that_names_the_host_is_fine(with_chain: Callable[[str], MailHost]) -> None:
    """A check that cries wolf is switched off."""
    assert certificate_mistakes(with_chain(leaf("mx1.example.org", "imap.example.org") + CA), NOW) == []


def test_a_file_that_is_no_certificate_is_told(with_chain: Callable[[str], MailHost]) -> None:
    """Naming the key file in place of the chain is the usual slip."""
    assert certificate_mistakes(with_chain("no PEM\n"), NOW) == [
        "chain.pem: is not a certificate in PEM; name the file with the full chain, leaf first"
    ]


def test_a_certificate_of_another_host_is_told(with_chain: Callable[[str], MailHost]) -> None:
    """A client that checks names (RFC 9525) would refuse it, and the common name does not count."""
    assert certificate_mistakes(with_chain(leaf("mx2.example.org") + CA), NOW) == [
        "chain.pem: names mx2.example.org, not mx1.example.org; have one issued for this name"
    ]
    assert certificate_mistakes(with_chain(leaf() + CA), NOW) == [
        "chain.pem: names no host, not mx1.example.org; have one issued for this name"
    ]


def test_a_wildcard_covers_one_label(with_chain: Callable[[str], MailHost]) -> None:
    """RFC 9525 §6.3: the star stands for exactly one label."""
    assert certificate_mistakes(with_chain(leaf("*.example.org") + CA), NOW) == []
    assert len(certificate_mistakes(with_chain(leaf("*.org") + CA), NOW)) == 1


def test_an_expired_certificate_is_told_with_its_date(with_chain: Callable[[str], MailHost]) -> None:
    """From that day on nobody can read mail."""
    old = leaf("mx1.example.org", start=NOW - timedelta(days=100))
    assert certificate_mistakes(with_chain(old), NOW) == ["chain.pem: CN=mx1 expired on 2026-05-22; renew it"]


def test_a_chain_in_the_wrong_order_is_told(with_chain: Callable[[str], MailHost]) -> None:
    """Some clients sort it out and some do not (RFC 8446 §4.4.2), so that one colleague cannot read mail."""
    other = issued("another CA", LEAF_KEY, "another CA", LEAF_KEY, ())
    assert certificate_mistakes(with_chain(leaf("mx1.example.org") + other), NOW) == [
        "chain.pem: certificate 1 is not signed by the next one; put the leaf first, then its issuers in order"
    ]


def test_a_short_rsa_key_is_told(with_chain: Callable[[str], MailHost]) -> None:
    """OpenSSL of Debian refuses it at its default security level, and the service does not start."""
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - the mistake itself
    assert certificate_mistakes(with_chain(leaf("mx1.example.org", key=key) + CA), NOW) == [
        "chain.pem: has an RSA key of 1024 bits; use ECDSA P-256, or RSA with 2048 or more"
    ]
