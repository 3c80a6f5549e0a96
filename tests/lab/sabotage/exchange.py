"""TLS beyond versions and suites."""

from __future__ import annotations

from tests.lab.sabotage import Sabotage, postfix

CNF = "/etc/postfix/tls.cnf"
AGAIN = "postfix reload 2>/dev/null && sleep 1"

EXCHANGE = (
    Sabotage("TLS-06", "the client chooses the suite", postfix("tls_preempt_cipherlist=no")),
    Sabotage(
        "TLS-08",
        "a curve that no standard names",
        # On Debian 13 the list stands in the file of OpenSSL's settings.
        f"if grep -q ^Groups {CNF}; then sed -i 's/^Groups = /Groups = secp224r1:secp256k1:/' {CNF} && {AGAIN}; else "
        + postfix("tls_eecdh_auto_curves=secp256k1 secp224r1 X25519 prime256v1")
        + "; fi",
    ),
    Sabotage("TLS-10", "clients may renegotiate", postfix("tls_ssl_options="), sides=("inside",)),
    Sabotage(
        "TLS-11",
        "sessions without an extended master secret",
        f"printf 'Options = -ExtendedMasterSecret\\n' >>{CNF} && {AGAIN}",
    ),
    Sabotage("TLS-12", "tickets for a month", postfix("smtpd_tls_session_cache_timeout=30d"), sides=("inside",)),
    Sabotage(
        "TLS-17",
        "one port with suites of its own",
        postfix("submission/inet/smtpd_tls_exclude_ciphers=eNULL"),
        sides=("inside",),
        trips=frozenset({"TLS-05"}),
    ),
    Sabotage(
        "TLS-13",
        "port 25 insists on TLS",
        postfix("smtp/inet/smtpd_tls_security_level=encrypt"),
        alone=True,
        # whoever speaks without TLS gets no further than EHLO, and most probes of port 25 do
        trips=frozenset({"SMTP-01", "SMTP-02", "SMTP-10", "SMTP-11", "SMTP-14", "RELAY-01", "RELAY-02", "RELAY-03"})
        | {"DMARC-04", "TRPT-01"},
    ),
)
