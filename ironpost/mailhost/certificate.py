"""The certificate: where the programs that serve it find key and chain."""

from __future__ import annotations

from ironpost.mailhost.said import HostSettings
from ironpost.settings import Acme

FOLDER = "/etc/ssl/ironpost"


class CertificateValues(HostSettings):
    """The certificate: where the programs that serve it find key and chain."""

    @property
    def certificate_kinds(self) -> tuple[str, ...]:
        """Kinds of keys that are born on the host; none where the certificate comes from files."""
        if not isinstance(self.certificate, Acme):
            return ()
        return ("ecdsa", "rsa") if self.certificate.rsa else ("ecdsa",)

    @property
    def tls_chain(self) -> str:
        """The file with the chain, leaf first. By ACME it holds the key too: one rename replaces both."""
        return f"{FOLDER}/ecdsa.pem" if self.certificate_kinds else f"{FOLDER}/chain.pem"

    @property
    def tls_key(self) -> str:
        return f"{FOLDER}/ecdsa.pem" if self.certificate_kinds else f"{FOLDER}/key.pem"

    @property
    def tls_rsa(self) -> str:
        """The file with key and chain of the RSA certificate beside it; empty where there is none."""
        return f"{FOLDER}/rsa.pem" if "rsa" in self.certificate_kinds else ""

    @property
    def postfix_chain_files(self) -> str:
        """postconf(5) smtpd_tls_chain_files: each key before its chain, those of both kinds in one file."""
        if self.tls_rsa:
            return f"{FOLDER}/all.pem"
        return ", ".join(dict.fromkeys((self.tls_key, self.tls_chain)))
