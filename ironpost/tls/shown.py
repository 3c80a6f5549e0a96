"""How certificates and keys stand, in words and as JSON."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from ironpost.mailhost import MailHost
from ironpost.tls.onhost import TlsStatus


def status_lines(mailhost: MailHost, status: TlsStatus) -> Iterator[str]:
    """The host, its certificates, its keys, and what needs somebody."""
    yield f"{mailhost.name}: {'certificate from files' if status.files else 'certificate by ACME'}"
    for certificate in status.certificates:
        left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
        yield (
            f"  {kind_of(certificate)}: {', '.join(names_of(certificate))}; by {issuer_of(certificate)}; "
            f"until {certificate.not_valid_after_utc:%Y-%m-%d} ({left.days} days)"
        )
    for key in status.keys:
        yield f"  {key.state:<7} {key.kind:<5} TLSA 3 1 1 {key.sha256}"
    if status.roll:
        yield f"  a rollover goes on, at the step {status.roll.step}; `ironpost tls roll` carries it on"
    yield from (f"  ! {sentence}" for sentence in findings(mailhost, status))


def findings(mailhost: MailHost, status: TlsStatus) -> list[str]:
    """What needs somebody."""
    found = []
    for certificate in status.certificates:
        kind = kind_of(certificate)
        if certificate.issuer == certificate.subject:
            found.append(f"{mailhost.name}: the {kind} certificate is signed by itself, none was issued yet")
        elif spent(certificate):
            until = f"{certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
            found.append(f"{mailhost.name}: less than a third of the {kind} certificate's lifetime remains ({until})")
    if status.failures:
        tries = f"{status.failures} time{'s' * (status.failures != 1)}"
        found.append(f"{mailhost.name}: the last attempt failed ({tries} in a row): {status.error}")
    return found


def spent(certificate: x509.Certificate) -> bool:
    """Whether less than a third of the lifetime remains."""
    whole = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC) < whole / 3


def kind_of(certificate: x509.Certificate) -> str:
    return "rsa" if isinstance(certificate.public_key(), rsa.RSAPublicKey) else "ecdsa"


def issuer_of(certificate: x509.Certificate) -> str:
    names = certificate.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else certificate.issuer.rfc4514_string()


def names_of(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name) for name in found.get_values_for_type(x509.DNSName)]


def status_json(mailhost: MailHost, status: TlsStatus) -> dict[str, Any]:
    return {
        "mailhost": mailhost.name,
        "files": status.files,
        "certificates": [
            {
                "kind": kind_of(certificate),
                "names": names_of(certificate),
                "issuer": issuer_of(certificate),
                "not_before": certificate.not_valid_before_utc.isoformat(),
                "not_after": certificate.not_valid_after_utc.isoformat(),
            }
            for certificate in status.certificates
        ],
        "keys": [{"kind": key.kind, "state": key.state, "sha256": key.sha256} for key in status.keys],
        "account": status.account,
        "rollover": status.roll and {"step": status.roll.step, "shown": status.roll.shown, "ttl": status.roll.ttl},
        "findings": findings(mailhost, status),
    }
