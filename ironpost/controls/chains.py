"""What the certificates are made of, how long they last, and whether each port serves the one on disk."""

from __future__ import annotations

import base64
import datetime
import hashlib
from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from ironpost.controls.certificates import RENEW, leaf_on_disk, leaf_served, programs_of, served
from ironpost.controls.control import Verdict, control, holds, holds_unless
from ironpost.controls.tls import ports_of
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes, collected
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# NCSC-NL 2025-05 §3.3.2.1 and BSI TR-02102-2; issuers of public authorities still have RSA 2048 (a warning there).
CURVES = ("secp256r1", "secp384r1")
LEAST_RSA, LEAST_RSA_OF_ISSUERS = 3072, 2048
HASHES = ("sha256", "sha384", "sha512")
LONGEST_LIFETIME = datetime.timedelta(days=200)
LATE = "see `ironpost tls status` for why it was not renewed; renew it, and deploy if it comes from files"
CLOSE = "stop what listens there, and deploy again"


@control(
    "CRT-03",
    claim="Keys are ECDSA P-256 or P-384, EdDSA, or RSA of 3072 bits and more; an issuer may have RSA 2048",
    reference="NCSC-NL 2025-05 §3.3.2.1; BSI TR-02102-2 §3.3; NIST SP 800-52r2 §3.2",
)
class KeysAreStrong:
    """A key is used for years, and what was recorded today can be forged when it breaks."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{program}: {fault}"
            for program in programs_of(mailhost)
            for chain in chains_on_disk(snapshot, program)
            for fault in weak_keys(chain)
        ]
        return holds_unless(faults, remedy=RENEW)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        return holds_unless(
            (
                f"{where}: {fault}"
                for where, seen in served(mailhost, probes)
                for fault in weak_keys(chain_served(seen))
            ),
            remedy=RENEW,
        )


@control(
    "CRT-04",
    claim="Every certificate of the chain is signed with SHA-256 or better",
    reference="RFC 9325 §4.1; NCSC-NL 2025-05 §3.3.5",
)
class SignaturesAreStrong:
    """A chain is as strong as its weakest hash."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{program}: {fault}"
            for program in programs_of(mailhost)
            for chain in chains_on_disk(snapshot, program)
            for fault in weak_hashes(chain)
        ]
        return holds_unless(faults, remedy=RENEW)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        chains = ((where, chain_served(seen)) for where, seen in served(mailhost, probes))
        return holds_unless(
            (f"{where}: {fault}" for where, chain in chains for fault in weak_hashes(chain)), remedy=RENEW
        )


@control(
    "CRT-05",
    claim="A third of the certificate's lifetime or 14 days remain, and it lives for 200 days at most",
    reference="CA/Browser Forum SC-081v3; NIST SP 800-52r2 §3.2",
    severity="high",
)
class CertificateLastsAWhile:
    """Renewal begins earlier than that: less means that it fails, and nobody looked."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        leaves = [(program, leaf_on_disk(snapshot, program)) for program in programs_of(mailhost)]
        return holds_unless(
            (f"{where}: {fault}" for where, leaf in leaves for fault in untimely(leaf, snapshot.taken)), remedy=LATE
        )

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        leaves = ((where, leaf_served(seen)) for where, seen in served(mailhost, probes))
        return holds_unless(
            (f"{where}: {fault}" for where, leaf in leaves for fault in untimely(leaf, probes.taken)), remedy=LATE
        )


@control(
    "CRT-06",
    claim="Every port serves the certificate that lies on disk",
    reference="RFC 7671 §8.4",
    severity="high",
)
class RenewalsReachEveryPort:
    """A daemon that was not told serves the old certificate until it expires under everybody's eyes."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        known = {
            hashlib.sha256(chain[0].public_bytes(Encoding.DER)).hexdigest()
            for program in programs_of(mailhost)
            for chain in chains_on_disk(snapshot, program)
        }
        faults = []
        for port, seen in collected(snapshot.raw.get("serving"), "what the ports serve").items():
            if int(port) in ports_of(mailhost) and collected(seen, f"certificate of port {port}") not in known:
                faults.append(f"port {port} serves a certificate that is not on disk (any more)")
        return holds_unless(faults, remedy="reload Postfix and Dovecot; the timer and the deploy do so by themselves")


@control(
    "CRT-09",
    claim="Proving the names to an authority opens no door that stands open: port 80 only for http-01",
    reference="RFC 8555 §8; RFC 8657",
)
class NoStandingHoleForProofs:
    """A web server that was needed for a minute in spring is what somebody finds in autumn."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        """What listens on port 80 besides loopback."""
        programs = {
            program
            for listener in snapshot.listeners
            if listener.protocol == "tcp" and listener.port == 80 and not listener.is_loopback
            for program in listener.programs
        }
        allowed = {"nginx"} if proves_over_80(mailhost) else set()
        return holds_unless((f"{name} listens on port 80" for name in sorted(programs - allowed)), remedy=CLOSE)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        if proves_over_80(mailhost):
            return holds("port 80 is open for http-01; what it answers is looked at by the web server's controls")
        found = [address for address, seen in probes.each("ports") if 80 in seen["open"]]
        return holds_unless((f"{address} answers on port 80" for address in found), remedy=CLOSE)


def proves_over_80(mailhost: MailHost) -> bool:
    return getattr(mailhost.certificate, "challenge", None) == "http-01"


def chains_on_disk(snapshot: Snapshot, program: str) -> list[list[x509.Certificate]]:
    """The chains that a program is configured with. Raises NotCollectedError when there is none."""
    pems = [file["certificates"] for file in snapshot.tls_files(program) if file.get("certificates")]
    if not pems:
        raise NotCollectedError(f"{program} is configured with no certificate file")
    return [[x509.load_pem_x509_certificate(pem.encode()) for pem in chain] for chain in pems]


def chain_served(seen: dict[str, Any]) -> list[x509.Certificate]:
    return [x509.load_der_x509_certificate(base64.b64decode(der)) for der in seen["chain"]]


def weak_keys(chain: list[x509.Certificate]) -> Iterator[str]:
    for number, certificate in enumerate(chain):
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey):
            least = LEAST_RSA_OF_ISSUERS if number else LEAST_RSA
            if key.key_size < least:
                yield f"certificate {number + 1} has an RSA key of {key.key_size} bits"
        elif isinstance(key, ec.EllipticCurvePublicKey):
            if key.curve.name not in CURVES:
                yield f"certificate {number + 1} has a key on the curve {key.curve.name}"
        elif not isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
            yield f"certificate {number + 1} has a key of a kind that is not known here"


def weak_hashes(chain: list[x509.Certificate]) -> Iterator[str]:
    """A root that is sent vouches for itself by being known, whatever its signature."""
    for number, certificate in enumerate(chain):
        hashed = certificate.signature_hash_algorithm
        if hashed and hashed.name not in HASHES and not (number and certificate.issuer == certificate.subject):
            yield f"certificate {number + 1} is signed with {hashed.name}"


def untimely(leaf: x509.Certificate, now: datetime.datetime) -> Iterator[str]:
    lifetime = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    left = leaf.not_valid_after_utc - now
    if left < min(lifetime / 3, datetime.timedelta(days=14)):
        yield f"ends on {leaf.not_valid_after_utc:%Y-%m-%d}, in {left.days} days"
    if lifetime > LONGEST_LIFETIME:
        yield f"lives for {lifetime.days} days"
