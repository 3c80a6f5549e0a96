"""DANE: other servers find in signed DNS which key they must see (RFC 7672)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ironpost.controls.certificates import served
from ironpost.controls.control import Verdict, control, holds_unless, not_applicable
from ironpost.controls.tls import ports_of
from ironpost.evidence.probes import Probes, collected
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# Usable for SMTP (RFC 7672 §3.1): DANE-TA(2) and DANE-EE(3).
USABLE = (2, 3)
CLIENT_PORTS = (465, 587, 993, 995)
PUBLISH = "run `ironpost dns apply`; where the zone is not signed, sign it first"

Record = list[Any]  # usage, selector, matching type, data in hex


def records(probes: Probes, port: int) -> list[Record]:
    """The TLSA records of a port as the vantage point's resolver gives them. Raises NotCollectedError."""
    found = collected(probes.raw.get("dane"), "TLSA records")
    seen = collected(found.get(str(port)), f"TLSA of port {port}")
    return list(seen["records"])


def matches(record: Record, chain: list[x509.Certificate]) -> bool:
    """Whether a record speaks of a certificate of the chain: the leaf, or for usage 2 an issuer (RFC 6698 §2.1)."""
    usage, selector, matching, data = record
    candidates = chain[1:] if usage == 2 else chain[:1]
    return any(associated(each, selector, matching) == data for each in candidates)


def associated(certificate: x509.Certificate, selector: int, matching: int) -> str:
    raw = (
        certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if selector == 1
        else certificate.public_bytes(Encoding.DER)
    )
    digests = {0: raw.hex(), 1: hashlib.sha256(raw).hexdigest(), 2: hashlib.sha512(raw).hexdigest()}
    return digests.get(matching, "")


def unmatched(mailhost: MailHost, probes: Probes, ports: tuple[int, ...]) -> Iterator[str]:
    """A sentence for each port of each address whose chain no record speaks of."""
    for where, seen in served(mailhost, probes):
        port = int(where.rpartition(" ")[2])
        if port in ports:
            chain = [x509.load_der_x509_certificate(base64.b64decode(der)) for der in seen["chain"]]
            if not any(matches(record, chain) for record in records(probes, port)):
                yield f"{where}: no TLSA record speaks of the key that it serves"


def keys_told(snapshot: Snapshot) -> list[dict[str, str]]:
    """The TLS keys that the host holds: kind, state, digest."""
    found: list[dict[str, str]] = json.loads(snapshot.text("tells"))["tls"]
    return found


@control(
    "DANE-01",
    claim="The MX name has TLSA records for port 25 that DNSSEC proves and that senders can use",
    reference="RFC 7672 §3.1; RFC 7671; BSI TR-03108-1",
    severity="high",
    roles=("mx",),
)
class TlsaIsPublishedAndSecure:
    """Without them whoever sits in between strips STARTTLS, and nobody notices."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        found = records(probes, 25)
        seen = probes.raw["dane"]["25"]
        faults = []
        if not found:
            faults.append(f"_25._tcp.{mailhost.name} has no TLSA record")
        elif not seen["secure"]:
            faults.append(f"_25._tcp.{mailhost.name}: the resolver does not call the answer validated")
        useless = [record for record in found if record[0] not in USABLE]
        if found and len(useless) == len(found):
            faults.append("all TLSA records have the usage 0 or 1, which SMTP does not know")
        return holds_unless(faults, remedy=PUBLISH)


@control(
    "DANE-02",
    claim="What port 25 serves on every address is what its TLSA records say",
    reference="RFC 7672 §3; RFC 6698 §2.1; posttls-finger(1)",
    severity="critical",
    roles=("mx",),
)
class ServedKeyIsThePublishedOne:
    """A record that does not fit makes every DANE sender defer its mail, and bounce it after days."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        """Postfix's own DANE client, on the way from this host to itself."""
        said = snapshot.text("dane_client").strip()
        fine = "Verified TLS connection established" in said
        return holds_unless(() if fine else (f"posttls-finger: {said[-200:]}",), remedy=PUBLISH)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        return holds_unless(unmatched(mailhost, probes, (25,)), remedy=PUBLISH)


@control(
    "DANE-03",
    claim="The next key is held and published beside the current one",
    reference="RFC 7671 §8.1",
    roles=("mx",),
)
class NextKeyIsPublishedToo:
    """A key that is lost or stolen is replaced at once only when everybody knows the next one already."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        told = keys_told(snapshot)
        kinds = [key["kind"] for key in told if key["state"] == "current"]
        coming = [key["kind"] for key in told if key["state"] in ("next", "old")]
        # One of another kind will do, as where an ECDSA key follows an RSA key that came from files.
        few = len(set(coming)) < len(set(kinds))
        lost = [kind for kind in kinds if few and kind not in coming]
        faults = [f"the host holds no {kind} key beside the current one" for kind in lost]
        if not kinds:
            faults.append("the host holds no TLS key at all")
        return holds_unless(faults, remedy="give CertificateFiles a next_key=, or deploy the host that makes its own")

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        found = {tuple(record) for record in records(probes, 25)}
        few = (
            f"{len(found)} TLSA record{'s' * (len(found) != 1)} for port 25, where the current and the next key belong"
        )
        return holds_unless((few,) if len(found) < 2 else (), remedy=PUBLISH)


@control(
    "DANE-04",
    claim="No key is served before its TLSA record was on every name server for two TTLs",
    reference="RFC 7671 §8.1, §8.4; RFC 7672 §9.2",
)
class NoKeyIsServedTooEarly:
    """Caches remember the old set: their owners would see a key that nobody announced."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        """The host keeps when each of its keys was announced and first served."""
        rolls: list[dict[str, int]] = json.loads(snapshot.text("tls_rolls"))
        if not mailhost.certificate_kinds:
            return not_applicable("the certificate comes from files; when a key was announced is not known here")
        faults = [
            f"a key was served {roll['switched'] - roll['shown']} s after it was seen (TTL {roll['ttl']} s)"
            for roll in rolls
            if roll["switched"] < roll["shown"] + 2 * roll["ttl"]
        ]
        return holds_unless(faults, remedy="let `ironpost tls roll` change keys, and nothing else")


@control(
    "DANE-06",
    claim="Where a TLSA record names an issuer, that issuer's certificate is in the chain",
    reference="RFC 7672 §3.1.2, §3.2.2",
)
class NamedIssuersAreSent:
    """A record of usage 2 whose issuer is not sent can never be matched."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for where, seen in served(mailhost, probes):
            chain = [x509.load_der_x509_certificate(base64.b64decode(der)) for der in seen["chain"]]
            port = int(where.rpartition(" ")[2])
            if port == 25:
                issuers = [record for record in records(probes, 25) if record[0] == 2]
                faults += [
                    f"{where}: does not send the issuer {each[3][:16]}…" for each in issuers if not matches(each, chain)
                ]
        return holds_unless(faults, remedy=PUBLISH)


@control(
    "DANE-07",
    claim="The client ports have TLSA records too, and serve what they say",
    reference="RFC 7673; RFC 8314 §4.5.4; NIST SP 800-177r1",
    level="strict",
)
class ClientPortsHaveTlsa:
    """A mail program that looks needs no trust in any authority."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        return holds_unless(
            unmatched(mailhost, probes, tuple(port for port in CLIENT_PORTS if port in ports_of(mailhost))),
            remedy=PUBLISH,
        )
