"""Signatures that hold by arithmetic and count no more (RFC 8301)."""

from __future__ import annotations

import re
import smtplib
from email.message import EmailMessage

import dkim
import pytest
from cryptography.hazmat.primitives import serialization

from ironpost.lab import Lab
from ironpost.lab.mail import by_imap, letter
from ironpost.lab.trust import RSA_SELECTOR
from tests.lab.test_mail import both, fresh, port_25, results_of

AUTHOR, DOMAIN = "bob@example.net", "example.net"
FIELDS = [b"from", b"to", b"subject", b"date", b"message-id"]


def signed(lab: Lab, message: EmailMessage, *algorithms: str) -> bytes:
    """The letter with one signature of the outside operator's real key for each algorithm."""
    raw = message.as_bytes()
    pem = lab.keys.dkim_rsa.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    signatures = [
        dkim.sign(
            raw,
            RSA_SELECTOR.encode(),
            DOMAIN.encode(),
            pem,
            canonicalize=(b"relaxed", b"relaxed"),
            signature_algorithm=algorithm.encode(),
            include_headers=FIELDS,
        )
        for algorithm in algorithms
    ]
    return b"".join(signatures) + raw


def deliver(lab: Lab, host: str, address: str, subject: str, *algorithms: str, through_list: bool = False) -> None:
    message = letter(AUTHOR, address, subject)
    if through_list:
        message["List-Id"] = "<talk.stranger.example>"
    with port_25(lab, host) as session:
        session.sendmail("bounce@host.stranger.example", [address], signed(lab, message, *algorithms))


@both
def test_a_signature_by_rsa_sha1_proves_nothing(published: Lab, host: str, address: str) -> None:
    """Whoever can make two letters of one SHA-1 digest signs with a key that was lent for one of them.

    The same key counts by rsa-sha256, alone and beside the other: the refusal is about SHA-1.
    """
    name = published.host(host).fqdn
    with pytest.raises(smtplib.SMTPDataError, match="DMARC"):
        deliver(published, host, address, fresh("sha1"), "rsa-sha1")
    subject = fresh("sha1 by a list")
    deliver(published, host, address, subject, "rsa-sha1", through_list=True)
    said = results_of(by_imap(published, host, address, subject, folder="Junk"), name)
    assert "dkim=permerror" in said and "dkim=pass" not in said and "dmarc=fail" in said, said
    for algorithms in (("rsa-sha256",), ("rsa-sha1", "rsa-sha256"), ("rsa-sha256", "rsa-sha1")):
        subject = fresh("sha256")
        deliver(published, host, address, subject, *algorithms)
        said = results_of(by_imap(published, host, address, subject), name)
        assert re.findall(r"dkim=(\w+)", said).count("pass") == 1 and "dmarc=pass" in said, said
        assert ("RFC 8301" in said) == (len(algorithms) == 2), said
