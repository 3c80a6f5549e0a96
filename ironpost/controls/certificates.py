"""The certificate that mail programs and other servers see."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import ports_of
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes, collected
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

DISTRIBUTION = ("snakeoil", "/etc/dovecot/private/dovecot")
RENEW = "put a certificate in place that names this host, with its whole chain, and deploy again"


def programs_of(mailhost: MailHost) -> tuple[str, ...]:
    """Who serves a certificate: Dovecot only where one logs in."""
    return ("postfix", "dovecot") if {"submission", "mailbox"} & set(mailhost.roles) else ("postfix",)


def served(mailhost: MailHost, probes: Probes) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, {problem, chain}) of each TLS port of each address."""
    for port in ports_of(mailhost):
        for address, seen in probes.each(f"tls/{port}"):
            where = f"{address} port {port}"
            yield where, collected(seen["certificate"], f"{where}: certificate")


def leaf_served(seen: dict[str, Any]) -> x509.Certificate:
    return x509.load_der_x509_certificate(base64.b64decode(seen["chain"][0]))


def leaf_of(file: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file["certificates"][0].encode())


def leaf_on_disk(snapshot: Snapshot, program: str) -> x509.Certificate:
    """The first certificate that a program is configured with. Raises NotCollectedError when there is none."""
    for file in snapshot.tls_files(program):
        if file.get("certificates"):
            return leaf_of(file)
    raise NotCollectedError(f"{program} is configured with no certificate file")


def names(leaf: x509.Certificate) -> list[str]:
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name) for name in found.get_values_for_type(x509.DNSName)]


@control(
    "CRT-01",
    claim="The served chain validates to a root that strangers trust, with all intermediates sent",
    reference="RFC 8314 §4.4; RFC 8461 §4.2; postconf(5) smtpd_tls_chain_files",
    severity="high",
)
class ChainIsTrusted:
    """A mail program that asks its user whether to trust a certificate has taught them to say yes."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for program in programs_of(mailhost):
            leaf = leaf_on_disk(snapshot, program)
            if leaf.not_valid_after_utc < snapshot.taken:
                faults.append(f"{program}: the certificate on disk ended {leaf.not_valid_after_utc:%Y-%m-%d}")
        try:
            said = snapshot.text("chain").strip()
        except NotCollectedError as error:
            said = str(error)
        if not said.endswith(": OK"):
            faults.append(f"openssl verify: {said}")
        return holds_unless(faults, remedy=RENEW)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [f"{where}: {seen['problem']}" for where, seen in served(mailhost, probes) if seen["problem"]]
        return holds_unless(faults, remedy=RENEW)


@control(
    "CRT-02",
    claim="The certificate names this host, and no wildcard",
    reference="RFC 9525 §6; RFC 8314 §5.3; RFC 8461 §4.1",
    severity="high",
)
class CertificateNamesTheHost:
    """Clients compare the name that they were told with the names in it, and give up."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        leaves = [(program, leaf_on_disk(snapshot, program)) for program in programs_of(mailhost)]
        return holds_unless(
            (f"{where}: {fault}" for where, leaf in leaves for fault in misnamed(mailhost, leaf)), remedy=RENEW
        )

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        leaves = [(where, leaf_served(seen)) for where, seen in served(mailhost, probes)]
        return holds_unless(
            (f"{where}: {fault}" for where, leaf in leaves for fault in misnamed(mailhost, leaf)), remedy=RENEW
        )


def misnamed(mailhost: MailHost, leaf: x509.Certificate) -> list[str]:
    found = names(leaf)
    faults = [f"the wildcard {name} stands for more than mail" for name in found if "*" in name]
    if mailhost.name not in found:
        faults.append(f"the certificate is for {', '.join(found) or 'no name'}")
    return faults


@control(
    "CRT-07",
    claim="Key and certificate belong together, and neither is one that the distribution made",
    reference="CIS; /etc/ssl/certs/ssl-cert-snakeoil.pem of Debian's ssl-cert",
    severity="high",
)
class CertificateIsOurs:
    """Debian points Postfix and Dovecot at a certificate that nobody vouches for."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for program in programs_of(mailhost):
            files = snapshot.tls_files(program)
            faults += [
                f"{program} uses {file['path']}" for file in files if any(d in file["path"] for d in DISTRIBUTION)
            ]
            leaves = {public_key(leaf_of(file)) for file in files if file.get("certificates")}
            keys = {file["public"] for file in files if "public" in file}
            if not keys or not leaves:
                raise NotCollectedError(f"{program} is configured without {'certificate' if keys else 'private key'}")
            if keys != leaves:
                faults.append(f"{program}: private key and certificate do not belong together")
        return holds_unless(faults, remedy=RENEW)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for where, seen in served(mailhost, probes):
            leaf = leaf_served(seen)
            if leaf.issuer == leaf.subject:
                faults.append(f"{where}: the certificate is signed by itself ({leaf.subject.rfc4514_string()})")
        return holds_unless(faults, remedy=RENEW)


def public_key(leaf: x509.Certificate) -> str:
    der = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()
