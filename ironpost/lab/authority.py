"""The certificate authority of one lab: root, intermediate and leaves, all ECDSA P-256, kept in the lab's directory."""

from __future__ import annotations

import datetime
import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ironpost.lab.keep import keep

Key = ec.EllipticCurvePrivateKey
AUTHORITY_YEARS = 10
LEAF_LIFETIME = datetime.timedelta(days=90)
RENEW_BEFORE = datetime.timedelta(days=30)
# A certificate is valid from a little before it was made, so that a clock that is behind still accepts it.
BACKDATE = datetime.timedelta(hours=1)


class Authority:
    """Issues certificates that the lab's hosts trust. Two at the same directory are the same authority.

    With `clients` its certificates serve for the client's side of a connection as well.
    """

    def __init__(self, directory: Path, clients: bool = False) -> None:
        self.directory = directory
        self.uses = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if clients else [])]
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            self._root = self._issuer("root", None)
            self._intermediate = self._issuer("intermediate", self._root)

    @property
    def root_certificate(self) -> Path:
        """The certificate (PEM) that a host puts into its trust store."""
        return self.directory / "root.pem"

    def certificate(
        self, fqdn: str, also: tuple[str, ...] = (), *, label: str = "", not_after: datetime.datetime | None = None
    ) -> tuple[Path, Path]:
        """The chain (leaf, then intermediate; 0644) and the key (0600) for a host, valid for 90 days.

        Asked again, the same files are given; a leaf that ends within 30 days is replaced, its key is not. `also` are
        further names, `label` keeps a second certificate of that host apart (the default: the host's name), and
        `not_after` sets the end, in the past if a test wants an expired one: such a leaf is written anew each time.
        """
        base = label or fqdn
        chain, key_path = self.directory / f"{base}.chain.pem", self.directory / f"{base}.key.pem"
        with self._locked():
            key = self._key(key_path)
            if not_after or not _serves(chain, (fqdn, *also)):
                end = not_after or _now() + LEAF_LIFETIME
                leaf = _leaf(key, (fqdn, *also), self._intermediate, end, self.uses)
                keep(chain, _pem(leaf) + _pem(self._intermediate[0]), 0o644)
        return chain, key_path

    def _issuer(self, name: str, parent: tuple[x509.Certificate, Key] | None) -> tuple[x509.Certificate, Key]:
        key, path = self._key(self.directory / f"{name}.key.pem"), self.directory / f"{name}.pem"
        if not path.exists():
            keep(path, _pem(_authority_certificate(name, key, parent)), 0o644)
        return x509.load_pem_x509_certificate(path.read_bytes()), key

    @staticmethod
    def _key(path: Path) -> Key:
        if not path.exists():
            keep(path, private_pem(ec.generate_private_key(ec.SECP256R1())), 0o600)
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, Key)
        return key

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.directory / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def private_pem(key: Key) -> bytes:
    """A private key as unencrypted PKCS #8."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _authority_certificate(name: str, key: Key, parent: tuple[x509.Certificate, Key] | None) -> x509.Certificate:
    """A CA certificate; the root (no parent) signs itself, the intermediate may sign leaves only (path length 0)."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Ironpost lab {name}")])
    issuer, signer = (parent[0].subject, parent[1]) if parent else (subject, key)
    issuer_key = signer.public_key()
    return (
        _dated(_now() + datetime.timedelta(days=365 * AUTHORITY_YEARS))
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0 if parent else None), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        .sign(signer, hashes.SHA256())
    )


def _leaf(
    key: Key,
    names: tuple[str, ...],
    issuer: tuple[x509.Certificate, Key],
    not_after: datetime.datetime,
    uses: list[x509.ObjectIdentifier],
) -> x509.Certificate:
    """A server's certificate; its names stand in the SAN alone (RFC 6125 §6.4.4 has clients ignore the subject)."""
    return (
        _dated(not_after)
        .subject_name(x509.Name([]))
        .issuer_name(issuer[0].subject)
        .public_key(key.public_key())
        # RFC 5280 §4.2.1.6: critical where the subject is empty.
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer[1].public_key()), critical=False)
        .sign(issuer[1], hashes.SHA256())
    )


def _dated(not_after: datetime.datetime) -> x509.CertificateBuilder:
    not_before = min(_now() - BACKDATE, not_after - LEAF_LIFETIME if not_after < _now() else _now() - BACKDATE)
    builder = x509.CertificateBuilder().serial_number(x509.random_serial_number())
    return builder.not_valid_before(not_before).not_valid_after(not_after)


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _serves(chain: Path, names: tuple[str, ...]) -> bool:
    """Whether the leaf kept at `chain` has these names, maybe among others, and is not near its end."""
    if not chain.exists():
        return False
    leaf = x509.load_pem_x509_certificate(chain.read_bytes())
    held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
    return set(names) <= set(held) and leaf.not_valid_after_utc - _now() > RENEW_BEFORE


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC).replace(microsecond=0)


def tlsa(chain: bytes) -> str:
    """The TLSA record text "3 1 1 …" (RFC 7671 §5.1) of a chain's leaf; it stays while the key stays."""
    public = x509.load_pem_x509_certificate(chain).public_key()
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"3 1 1 {hashlib.sha256(spki).hexdigest()}"
