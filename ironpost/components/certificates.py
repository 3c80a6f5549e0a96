"""The certificate and its key, for Postfix and Dovecot."""

from __future__ import annotations

from ironpost.certificate import chain_text
from ironpost.component import Check, Component, HostDirectory, HostFile, TlsFile
from ironpost.mailhost import MailHost

FOLDER = "/etc/ssl/ironpost"
CHAIN = f"{FOLDER}/chain.pem"
KEY = f"{FOLDER}/key.pem"
NEXT_KEY = f"{FOLDER}/next-key.pem"


def certificates(mailhost: MailHost) -> Component:
    """Chain and key; the components that serve them reload when they change."""
    next_key = mailhost.certificate.next_key
    coming = (HostFile(NEXT_KEY, mailhost.secret(next_key), mode=0o600),) if next_key else ()
    return Component(
        name="certificates",
        packages=("openssl",),
        directories=(HostDirectory(FOLDER),),
        files=(
            HostFile(CHAIN, chain_text(mailhost)),
            HostFile(KEY, mailhost.secret(mailhost.certificate.key), mode=0o600),
            *coming,
        ),
        tls_files=(TlsFile(CHAIN, "current"), *(TlsFile(file.path, "next") for file in coming)),
        checks=tuple(
            Check(f"{{ {asked}; }} || {{ echo '{told}' >&2; exit 1; }}")
            for asked, told in questions(mailhost, bool(coming))
        ),
    )


def questions(mailhost: MailHost, next_key: bool = False) -> tuple[tuple[str, str], ...]:
    """What openssl is asked on the host, each with the sentence for a no. -checkhost says no with exit status 0."""
    leaf = f"openssl x509 -in {CHAIN} -noout"
    key = f"openssl pkey -in {KEY} -passin pass:"
    return (
        (f"{leaf} 2>/dev/null", f"{CHAIN}: is not a certificate in PEM; name the full chain, leaf first"),
        (f"{key} -noout 2>/dev/null", f"{KEY}: is not a key in PEM without a pass phrase; store it as one"),
        (
            f'test "$({leaf} -pubkey)" = "$({key} -pubout)"',
            f"{CHAIN}: is not the certificate of the key beside it; name two files that belong together",
        ),
        (f"{leaf} -checkend 0 >/dev/null", f"{CHAIN}: has expired; renew it"),
        *(
            (
                f"{leaf} -checkhost {name} | grep -q 'does match'",
                f"{CHAIN}: does not name {name}; have one issued for this name",
            )
            for name in mailhost.certificate_names
        ),
        *(
            (
                f"openssl pkey -in {file} -passin pass: -noout 2>/dev/null",
                f"{file}: is not a key in PEM without a pass phrase; store it as one",
            )
            for file in ((NEXT_KEY,) if next_key else ())
        ),
    )
