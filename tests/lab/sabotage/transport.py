"""TLS, certificates, SMTP and relaying."""

from __future__ import annotations

from ironpost.lab import Lab
from tests.lab.sabotage import LETTERS, Sabotage, postfix

CHAIN, KEY = "/etc/ssl/ironpost/chain.pem", "/etc/ssl/ironpost/key.pem"
READ_AGAIN = "postfix reload 2>/dev/null; doveadm reload; sleep 1"
ON_25 = frozenset({"TLS-02", "TLS-03", "TLS-04", "TLS-05", "TLS-07", "TLS-16", "CRT-01", "CRT-02", "CRT-07"})
# Whatever is seen in TLS: without STARTTLS nothing of it is known of port 25.
WITHOUT_TLS = ON_25 | {f"TLS-{number}" for number in ("06", "08", "10", "11", "12", "13", "17", "18")}
WITHOUT_TLS |= {"CRT-03", "CRT-04", "CRT-05", "CRT-06", "DANE-02", "DANE-06"}
SNAKEOIL = "/etc/ssl/private/ssl-cert-snakeoil.key, /etc/ssl/certs/ssl-cert-snakeoil.pem"
OPEN_TO_STRANGER = frozenset({"RELAY-01", "RELAY-02", "RELAY-03"})


def certificate_of_another_host(lab: Lab, host: str) -> None:
    chain, key = lab.certificate("somebody.else.example")
    lab.run(host, f"cat >{CHAIN}", input=chain.read_text())
    lab.run(host, f"cat >{KEY}", input=key.read_text())
    lab.run(host, READ_AGAIN)


def stranger_in_mynetworks(lab: Lab, host: str) -> None:
    stranger = lab.host("stranger")
    # the product lets nobody relay for their address, which alone would keep the neighbour out
    networks = f"mynetworks=127.0.0.0/8, [::1]/128, {stranger.ipv4}/32, [{stranger.ipv6}]/128"
    lab.run(host, postfix(networks, "smtpd_relay_restrictions=permit_mynetworks, reject_unauth_destination"))


TRANSPORT = (
    Sabotage(
        "TLS-01",
        "port 25 without STARTTLS",
        postfix("smtpd_tls_security_level=none"),
        trips=WITHOUT_TLS,
        alone=True,  # its TLSA records stand, so the other host sends it nothing any more
    ),
    Sabotage(
        "TLS-02",
        "TLS 1.0 is back on port 25",
        postfix("smtpd_tls_protocols=>=TLSv1", "tls_high_cipherlist=ALL:@SECLEVEL=0", "tls_config_file=none"),
        trips=frozenset({"TLS-04", "TLS-05", "TLS-07", "TLS-08"}),
    ),
    Sabotage("TLS-03", "TLS 1.3 is switched off on port 25", postfix("smtpd_tls_protocols=>=TLSv1.2, <=TLSv1.2")),
    Sabotage("TLS-04", "CBC and static RSA are back", postfix("tls_high_cipherlist=HIGH:!aNULL:@SECLEVEL=0")),
    Sabotage(
        "TLS-05",
        "suites without authentication",
        postfix("smtpd_tls_exclude_ciphers=", "tls_high_cipherlist=ALL:aNULL:@SECLEVEL=0"),
        trips=frozenset({"TLS-04"}),
    ),
    Sabotage(
        "TLS-07",
        "a misspelt section name brings SHA-1 back",
        "sed -i 's/^postfix = /postifx = /' /etc/postfix/tls.cnf && postfix reload 2>/dev/null && sleep 1",
    ),
    Sabotage(
        "TLS-15",
        "port 587 takes mail in clear text",
        postfix("submission/inet/smtpd_tls_security_level=may"),
        trips=frozenset({"TLS-02"}),
    ),
    Sabotage(
        "TLS-16",
        "commands before their time are not refused any more",
        postfix("smtpd_forbid_unauth_pipelining=no"),
        sides=("inside",),
        trips=frozenset({"SMTP-02"}),
    ),
    Sabotage(
        "CRT-01",
        "the intermediate certificate is missing",
        f"sed -i '/END CERTIFICATE/q' {CHAIN} && {{ {READ_AGAIN}; }}",
        trips=LETTERS,
        alone=True,
    ),
    Sabotage(
        "CRT-02",
        "the certificate of another host",
        certificate_of_another_host,
        trips=LETTERS | {"CRT-01", "DANE-02", "DNS-09"},
        alone=True,
    ),
    Sabotage(
        "CRT-07",
        "the distribution's own certificate",
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -subj /CN=NAME "
        "-addext subjectAltName=DNS:NAME -keyout /etc/ssl/private/ssl-cert-snakeoil.key "
        "-out /etc/ssl/certs/ssl-cert-snakeoil.pem 2>/dev/null && " + postfix(f"smtpd_tls_chain_files={SNAKEOIL}"),
        trips=LETTERS | {"CRT-01", "DANE-02"},
        alone=True,
    ),
    Sabotage("SMTP-01", "a bare line feed ends a message", postfix("smtpd_forbid_bare_newline=no")),
    Sabotage(
        "SMTP-02",
        "nobody waits for an answer",
        postfix("smtpd_forbid_unauth_pipelining=no", "smtpd_data_restrictions=reject_multi_recipient_bounce"),
        trips=frozenset({"TLS-16"}),
    ),
    Sabotage("SMTP-05", "VRFY answers", postfix("disable_vrfy_command=no"), trips=frozenset({"SMTP-06"})),
    Sabotage(
        "SMTP-06",
        "ETRN for everybody",
        postfix("smtpd_discard_ehlo_keywords=", "smtpd_etrn_restrictions="),
    ),
    Sabotage(
        "SMTP-10",
        "every recipient is taken",
        postfix("smtpd_reject_unlisted_recipient=no", "virtual_mailbox_maps=static:anybody"),
        alone=True,
        trips=frozenset({"DKIM-01", "RELAY-01"}),
    ),
    Sabotage(
        "SMTP-13",
        "without the filter mail passes",
        postfix("milter_default_action=accept"),
        sides=("inside",),
    ),
    Sabotage(
        "RELAY-01",
        "a table grants what the rules forbid",
        postfix("smtpd_relay_restrictions=check_client_access static:OK, reject_unauth_destination"),
        trips=OPEN_TO_STRANGER | {"ALLOW-07"},
    ),
    Sabotage(
        "RELAY-02",
        "relaying is only put off, as Debian has it",
        postfix("smtpd_relay_restrictions=permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination"),
        trips=frozenset({"RELAY-01"}),
    ),
    Sabotage(
        "RELAY-03",
        "a neighbour is trusted",
        stranger_in_mynetworks,
        trips=OPEN_TO_STRANGER | {"SMTP-01"},
    ),
    Sabotage(
        "RELAY-04",
        "port 465 takes letters to us from anybody",
        postfix(
            "submissions/inet/smtpd_client_restrictions=permit",
            "submissions/inet/smtpd_relay_restrictions=permit_sasl_authenticated,reject_unauth_destination",
        ),
        trips=frozenset({"RELAY-07", "ALLOW-07"}),
    ),
)
