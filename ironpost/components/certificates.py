"""The certificate and its key, for all that speak TLS: from files, or fetched by the host itself."""

from __future__ import annotations

import json

from ironpost.certificate import chain_text
from ironpost.component import Check, Component, HostDirectory, HostFile, TlsFile, TlsKeys, Unit
from ironpost.mailhost import MailHost
from ironpost.mailhost.certificate import FOLDER
from ironpost.render import render
from ironpost.settings import Acme, CertificateFiles

CHAIN = f"{FOLDER}/chain.pem"
KEY = f"{FOLDER}/key.pem"
NEXT_KEY = f"{FOLDER}/next-key.pem"
CONFIG = "/etc/ironpost/certificate.json"
TSIG = "/etc/ironpost/acme-tsig"
AUTHORITY = "/etc/ironpost/acme-authority.pem"
SERVICE = "/etc/systemd/system/ironpost-certificate.service"
TIMER = "/etc/systemd/system/ironpost-certificate.timer"


def certificates(mailhost: MailHost) -> Component:
    """Chain and key; the components that serve them reload when they change."""
    certificate = mailhost.certificate
    return by_acme(mailhost, certificate) if isinstance(certificate, Acme) else from_files(mailhost, certificate)


def from_files(mailhost: MailHost, certificate: CertificateFiles) -> Component:
    coming = announced(mailhost, certificate)
    return Component(
        name="certificates",
        packages=("openssl",),
        directories=(HostDirectory(FOLDER),),
        files=(
            HostFile(CHAIN, chain_text(mailhost, certificate.chain)),
            HostFile(KEY, mailhost.secret(certificate.key), mode=0o600),
            *coming,
        ),
        tls_files=(TlsFile(CHAIN, "current"), *(TlsFile(file.path, "next") for file in coming)),
        checks=asked_of_openssl(
            (*questions(mailhost.certificate_names, CHAIN, KEY), *(readable(file.path) for file in coming))
        ),
    )


def announced(mailhost: MailHost, certificate: CertificateFiles | Acme) -> tuple[HostFile, ...]:
    """The key that will be served from files: DNS is to know it long before."""
    next_key = certificate.next_key
    return (HostFile(NEXT_KEY, mailhost.secret(next_key), mode=0o600),) if next_key else ()


def by_acme(mailhost: MailHost, certificate: Acme) -> Component:
    """Keys are there before the first switch, those of files before them or new ones (onhost/inherited.py, tlskeys.py).

    Until a certificate is issued the one of the files is served, else one that the key signs itself.
    """
    coming = announced(mailhost, certificate)
    files = [
        HostFile(CONFIG, configuration(mailhost, certificate)),
        HostFile(SERVICE, render(SERVICE, mailhost)),
        HostFile(TIMER, render(TIMER, mailhost)),
        *coming,
    ]
    if certificate.dns:
        files.append(HostFile(TSIG, mailhost.secret(certificate.dns.key.secret), mode=0o600))
    if certificate.authority:
        files.append(HostFile(AUTHORITY, chain_text(mailhost, certificate.authority)))
    served = (mailhost.tls_chain, *((mailhost.tls_rsa,) if mailhost.tls_rsa else ()))
    return Component(
        name="certificates",
        packages=("openssl", "certbot", "python3-dnspython"),
        directories=(HostDirectory(FOLDER),),
        files=tuple(files),
        tls_files=tuple(TlsFile(file.path, "next") for file in coming),
        tls_keys=(TlsKeys(mailhost.certificate_names, mailhost.certificate_kinds),),
        units=(
            Unit("ironpost-certificate.timer", restart_on=(CONFIG, SERVICE, TIMER)),
            # Debian's own timer renews what certbot keeps; here certbot keeps nothing.
            Unit("certbot.timer", state="masked"),
        ),
        # A name that is new is issued after the switch, so that only the host's own must be there before.
        checks=asked_of_openssl(
            (
                *(row for path in served for row in questions((mailhost.name,), path, path)),
                *(readable(file.path) for file in coming),
            )
        ),
    )


def configuration(mailhost: MailHost, certificate: Acme) -> str:
    """What the service on the host works from (onhost/certificate.py); no secret is in it."""
    way = certificate.dns
    whole = {
        "schema": 1,
        "names": mailhost.certificate_names,
        "kinds": mailhost.certificate_kinds,
        "directory": certificate.directory,
        "contact": certificate.contact,
        "challenge": certificate.challenge,
        "authority": AUTHORITY if certificate.authority else None,
        "dns": way
        and {
            "primary": way.primary,
            "servers": way.servers,
            "key": way.key.name,
            "algorithm": way.key.algorithm,
            "secret_file": TSIG,
        },
    }
    return json.dumps(whole, indent=1) + "\n"


def asked_of_openssl(rows: tuple[tuple[str, str], ...]) -> tuple[Check, ...]:
    return tuple(Check(f"{{ {asked}; }} || {{ echo '{told}' >&2; exit 1; }}") for asked, told in rows)


def readable(path: str) -> tuple[str, str]:
    return (
        f"openssl pkey -in {path} -passin pass: -noout 2>/dev/null",
        f"{path}: is not a key in PEM without a pass phrase; store it as one",
    )


def questions(names: tuple[str, ...], chain: str, key: str) -> tuple[tuple[str, str], ...]:
    """What openssl is asked on the host, each with the sentence for a no. -checkhost says no with exit status 0."""
    leaf = f"openssl x509 -in {chain} -noout"
    public = f"openssl pkey -in {key} -passin pass: -pubout"
    return (
        (f"{leaf} 2>/dev/null", f"{chain}: is not a certificate in PEM; name the full chain, leaf first"),
        readable(key),
        (
            f'test "$({leaf} -pubkey)" = "$({public})"',
            f"{chain}: is not the certificate of the key beside it; name two files that belong together",
        ),
        (f"{leaf} -checkend 0 >/dev/null", f"{chain}: has expired; renew it"),
        *(
            (
                f"{leaf} -checkhost {name} | grep -q 'does match'",
                f"{chain}: does not name {name}; have one issued for this name",
            )
            for name in names
        ),
    )
