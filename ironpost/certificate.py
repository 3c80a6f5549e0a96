"""The certificate that an inventory names: its text, and what is wrong with it, told before anything connects."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ironpost.errors import InventoryError
from ironpost.mailhost import MailHost
from ironpost.settings import CertificateFiles

LEAST_RSA_BITS = 2048


def chain_text(mailhost: MailHost, name: str) -> str:
    """The chain in PEM, leaf first. Raises InventoryError if the file cannot be read."""
    try:
        return mailhost.file(name).read_text()
    except OSError as error:
        raise InventoryError(f"{name}: {error.strerror}; name a readable file in certificate") from None
    except UnicodeDecodeError:
        raise InventoryError(f"{name}: {NOT_PEM}") from None


NOT_PEM = "is not a certificate in PEM; name the file with the full chain, leaf first"


def certificate_mistakes(mailhost: MailHost, now: datetime | None = None) -> list[str]:
    """What is wrong with the chain of one host at a time (default: now), each as `file: found; what to do`."""
    if not isinstance(mailhost.certificate, CertificateFiles):
        return []
    name = mailhost.certificate.chain
    try:
        chain = x509.load_pem_x509_certificates(chain_text(mailhost, name).encode())
    except InventoryError as error:
        return [str(error)]
    except ValueError:
        return [f"{name}: {NOT_PEM}"]
    found = [*name_mistakes(chain[0], mailhost.certificate_names), *chain_mistakes(chain)]
    for certificate in chain:
        found += time_mistakes(certificate, now or datetime.now(UTC))
    return [f"{name}: {mistake}" for mistake in found]


def key_mistakes(mailhost: MailHost) -> list[str]:
    """What is wrong with the key beside the chain. One that a program prints is not asked for: it might prompt."""
    certificate = mailhost.certificate
    if not isinstance(certificate, CertificateFiles) or certificate.key.kind == "command":
        return []
    try:
        key = load_pem_private_key(mailhost.secret(certificate.key).read().encode(), None)
        leaf = x509.load_pem_x509_certificates(chain_text(mailhost, certificate.chain).encode())[0]
    except TypeError:
        return [f"{certificate.key!r}: needs a pass phrase, which no service has; store it without"]
    except (ValueError, UnsupportedAlgorithm):
        return [f"{certificate.key!r}: is not a private key in PEM; name the key that belongs to {certificate.chain}"]
    if key.public_key() != leaf.public_key():
        return [f"{certificate.key!r}: does not belong to {certificate.chain}; name two files that belong together"]
    return []


def name_mistakes(leaf: x509.Certificate, wanted: tuple[str, ...]) -> list[str]:
    """Each name must be a DNS name of the certificate; the common name counts for nothing (RFC 9525 §2)."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
            x509.DNSName
        )
    except x509.ExtensionNotFound:
        names = []
    held = {each.lower() for each in names}
    lacking = [name for name in wanted if held.isdisjoint({name, "*." + name.partition(".")[2]})]
    if lacking:
        this = "this name" if len(lacking) == 1 else "these names"
        return [f"names {', '.join(names) or 'no host'}, not {' and '.join(lacking)}; have one issued for {this}"]
    return []


def chain_mistakes(chain: list[x509.Certificate]) -> list[str]:
    """Each certificate must be signed by the next one (RFC 8446 §4.4.2), and the leaf's key be of a length to trust."""
    mistakes = []
    for number, (lower, upper) in enumerate(pairwise(chain), start=1):
        try:
            lower.verify_directly_issued_by(upper)
        except (ValueError, TypeError, InvalidSignature):
            mistakes.append(
                f"certificate {number} is not signed by the next one; put the leaf first, then its issuers in order"
            )
    key = chain[0].public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < LEAST_RSA_BITS:
        mistakes.append(f"has an RSA key of {key.key_size} bits; use ECDSA P-256, or RSA with {LEAST_RSA_BITS} or more")
    return mistakes


def time_mistakes(certificate: x509.Certificate, now: datetime) -> list[str]:
    whose = certificate.subject.rfc4514_string() or "the leaf"
    if certificate.not_valid_after_utc < now:
        return [f"{whose} expired on {certificate.not_valid_after_utc:%Y-%m-%d}; renew it"]
    if certificate.not_valid_before_utc > now:
        return [f"{whose} is valid from {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC on; check this clock"]
    return []
