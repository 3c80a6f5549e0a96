"""Certificates made for a test: an authority, and leaves that it signs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 6, 1, tzinfo=UTC)
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def issued(name: str, key: Key, issuer: str, issuer_key: Key, names: tuple[str, ...], start: datetime = NOW) -> str:
    """A certificate in PEM that is valid for ninety days from `start`."""
    builder = x509.CertificateBuilder(named(issuer), named(name), key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start - timedelta(days=1)).not_valid_after(start + timedelta(days=90))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), False)
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


CA_KEY = ec.generate_private_key(ec.SECP256R1())
LEAF_KEY = ec.generate_private_key(ec.SECP256R1())
CA = issued("a CA", CA_KEY, "a CA", CA_KEY, ())


def leaf(*names: str, start: datetime = NOW, key: Key = LEAF_KEY) -> str:
    return issued("mx1", key, "a CA", CA_KEY, names, start)
