"""The secrets that make a lab's names believable: DNSSEC keys, TSIG keys, and the outside operator's DKIM keys.

All are made before anything boots and kept in the lab's directory, so that the trust anchor, every DS record and the
outside operator's DKIM records are known when the zones are written.
"""

from __future__ import annotations

import base64
import fcntl
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import dns.dnssec
import dns.dnssectypes
import dns.name
import dns.rdtypes.ANY.DNSKEY
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ironpost.lab.acme import acme_key
from ironpost.lab.authority import private_pem
from ironpost.lab.keep import keep
from ironpost.lab.plan import OPERATED_ZONES, ZONES, LabPlan

TRANSFER = "transfer"
RSA_SELECTOR, ED25519_SELECTOR = "outside-rsa", "outside-ed25519"
TSIG_BYTES = 32
DKIM_RSA_BITS = 2048
# Flags of a key that signs the whole zone and is a secure entry point (RFC 4034 §2.1.1).
ZONE_KEY_AND_ENTRY_POINT = 257


@dataclass(frozen=True)
class Tsig:
    """A key for updates or transfers as its user needs it; the file holds the base64 secret and nothing else."""

    name: str
    algorithm: str
    secret_file: Path

    @property
    def secret(self) -> str:
        return self.secret_file.read_text().strip()


@dataclass(frozen=True)
class Keys:
    """All keys of one lab's names, by the files that hold them."""

    directory: Path
    zones: tuple[str, ...]

    def tsig(self, zone: str) -> Tsig:
        """The update key of an operated zone, or the key of the zone transfers."""
        return tsig(self.directory, zone)

    def zone_key(self, zone: str) -> bytes:
        """The private key (PEM) that signs a zone."""
        return _zone_key_file(self.directory, zone).read_bytes()

    def dnskey(self, zone: str) -> dns.rdtypes.ANY.DNSKEY.DNSKEY:
        key = serialization.load_pem_private_key(self.zone_key(zone), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return dns.dnssec.make_dnskey(
            key.public_key(), dns.dnssectypes.Algorithm.ECDSAP256SHA256, flags=ZONE_KEY_AND_ENTRY_POINT
        )

    def ds(self, zone: str) -> str:
        """What the parent says of a zone's key, as record text; that of "." is the lab's trust anchor."""
        return dns.dnssec.make_ds(
            dns.name.from_text(zone), self.dnskey(zone), dns.dnssectypes.DSDigest.SHA256
        ).to_text()

    @cached_property
    def dkim_rsa(self) -> rsa.RSAPrivateKey:
        key = serialization.load_pem_private_key((self.directory / "dkim/rsa.pem").read_bytes(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return key

    @cached_property
    def dkim_ed25519(self) -> ed25519.Ed25519PrivateKey:
        seed = base64.b64decode((self.directory / "dkim/ed25519.seed").read_bytes())
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def dkim_records(self) -> dict[str, str]:
        """Selector and TXT value of both DKIM keys (RFC 6376 §3.6.1, RFC 8463 §4)."""
        public = self.dkim_rsa.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        raw = self.dkim_ed25519.public_key().public_bytes_raw()
        return {
            RSA_SELECTOR: f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}",
            ED25519_SELECTOR: f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode()}",
        }


def zone_names(plan: LabPlan) -> tuple[str, ...]:
    """Every zone of the lab, the root first, without closing dots (but for the root)."""
    return (".", *ZONES, *reverse_zones(plan))


def reverse_zones(plan: LabPlan) -> tuple[str, str]:
    """The reverse zones of 198.18.0.0/16 and of the lab's own /48."""
    nibbles = plan.ipv6_network.network_address.exploded.replace(":", "")[:12]
    return "18.198.in-addr.arpa", ".".join(reversed(nibbles)) + ".ip6.arpa"


def tsig(directory: Path, zone: str) -> Tsig:
    """The key in a lab's directory that may change `zone`; it is named like the zone."""
    return Tsig(f"{zone}.", "hmac-sha256", directory / "tsig" / f"{zone}.key")


def make_keys(directory: Path, plan: LabPlan) -> Keys:
    """All keys of the lab's names, made where they do not exist yet."""
    for folder in ("tsig", "dnssec", "dkim"):
        (directory / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "dnssec/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for zone in zone_names(plan):
            _make(_zone_key_file(directory, zone), lambda: private_pem(ec.generate_private_key(ec.SECP256R1())))
        for name in (*OPERATED_ZONES, *map(acme_key, OPERATED_ZONES), TRANSFER):
            _make(tsig(directory, name).secret_file, lambda: base64.b64encode(secrets.token_bytes(TSIG_BYTES)) + b"\n")
        _make(directory / "dkim/rsa.pem", _dkim_rsa_pem)
        _make(directory / "dkim/ed25519.seed", lambda: base64.b64encode(secrets.token_bytes(32)) + b"\n")
    return Keys(directory, zone_names(plan))


def _make(path: Path, content: Callable[[], bytes]) -> None:
    if not path.exists():
        keep(path, content(), 0o600)


def _dkim_rsa_pem() -> bytes:
    """PKCS #1, the form that every DKIM signer reads."""
    return rsa.generate_private_key(65537, DKIM_RSA_BITS).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def _zone_key_file(directory: Path, zone: str) -> Path:
    return directory / "dnssec" / f"{'root' if zone == '.' else zone}.pem"
