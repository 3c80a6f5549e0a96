"""The outside operator's mail server: Postfix, dkimpy-milter, policyd-spf and OpenDMARC, set up as somebody else would.

It shares no template and no judging daemon with the mail hosts, so that what it says of their mail is a second opinion.
"""

from __future__ import annotations

import base64

from cryptography.hazmat.primitives import serialization

from ironpost.lab.partners import UNIT, domains, policy_files
from ironpost.lab.plan import LabPlan, PlannedHost
from ironpost.lab.tree import LabFile, LabTree
from ironpost.lab.trust import ED25519_SELECTOR, RSA_SELECTOR, Keys
from ironpost.lab.zonefiles import OUTSIDE_ZONE

USERS = ("bob", "carol")
DKIM_PORT, DMARC_PORT = 8891, 8893
TLS_FOLDER, DKIM_FOLDER = "/etc/outside-tls", "/etc/outside-dkim"

MAIN_CF = """\
compatibility_level = 3.10
myhostname = {host.fqdn}
mydomain = {domain}
myorigin = $mydomain
mydestination = $mydomain, $myhostname, localhost, {partners}
mynetworks = 127.0.0.0/8 [::1]/128
inet_interfaces = all
inet_protocols = all
biff = no
append_dot_mydomain = no
recipient_delimiter = +
message_size_limit = 52428800
mailbox_size_limit = 0
home_mailbox = Maildir/
alias_maps = inline:{{ postmaster={user}, abuse={user}, root={user} }}
alias_database =

# Unknown recipients are refused at RCPT; who is not ours, too.
smtpd_helo_required = yes
disable_vrfy_command = yes
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service unix:private/policyd-spf
policyd-spf_time_limit = 3600

smtpd_tls_security_level = may
smtpd_tls_chain_files = {tls}/key.pem, {tls}/chain.pem
smtpd_tls_received_header = yes
smtpd_tls_loglevel = 1
smtp_dns_support_level = dnssec
smtp_tls_security_level = dane
smtp_tls_CAfile = {tls}/root.pem
smtp_tls_loglevel = 1

# DKIM looks first and signs what is ours; OpenDMARC reads its result. Bounces are signed as well.
smtpd_milters = inet:127.0.0.1:{dkim_port}, inet:127.0.0.1:{dmarc_port}
non_smtpd_milters = inet:127.0.0.1:{dkim_port}
internal_mail_filter_classes = bounce
milter_default_action = tempfail

# The network is one machine wide: a peer that was away for a moment is tried again soon.
minimal_backoff_time = 10s
maximal_backoff_time = 30s
queue_run_delay = 10s
"""

DKIM_CONF = """\
Syslog yes
SyslogSuccess yes
UMask 007
UserID dkimpy-milter
Socket inet:{port}@127.0.0.1
Mode sv
AuthservID {host.fqdn}
Canonicalization relaxed/relaxed
Domain {domain}
Selector {rsa}
KeyFile {folder}/rsa.pem
SelectorEd25519 {ed25519}
KeyFileEd25519 {folder}/ed25519.key
InternalHosts 127.0.0.1
# Without this it would sign whatever comes over the network in our name.
MacroListVerify daemon_name|VERIFYING
"""

# It tells what it found and refuses nothing: the tests want to read the verdict in the delivered message. It does so in
# Received-SPF (RFC 7208 §9.1): dkimpy-milter removes each Authentication-Results that carries its own authserv-id.
SPF_CONF = """\
debugLevel = 1
TestOnly = 1
HELO_reject = False
Mail_From_reject = False
PermError_reject = False
TempError_Defer = False
skip_addresses = 127.0.0.0/8,::ffff:127.0.0.0/104,::1
Header_Type = SPF
"""

# It checks SPF once more by itself, because it cannot see the header of a policy service (Postfix hides the first
# header from milters, as Sendmail does), and says so in Authentication-Results beside its DMARC verdict.
DMARC_CONF = """\
AuthservID {host.fqdn}
TrustedAuthservIDs {host.fqdn}
PidFile /run/opendmarc/opendmarc.pid
PublicSuffixList /usr/share/publicsuffix/public_suffix_list.dat
RejectFailures false
Socket inet:{port}@[127.0.0.1]
SPFIgnoreResults true
SPFSelfValidate true
Syslog true
UMask 0002
UserID opendmarc
"""

# Other operators' hosts may send everything through this one, as through any provider's smarthost: port 587, a login
# inside TLS, and nothing without. Its customers are Cyrus SASL's, because Postfix itself keeps none.
SASL_CONF = """\
pwcheck_method: auxprop
auxprop_plugin: sasldb
mech_list: PLAIN LOGIN
"""
SASL_FILE = "/etc/sasldb2"
SUBMISSION = (
    "postconf -M 'submission/inet = submission inet n - n - - smtpd'",
    "postconf -P submission/inet/syslog_name=postfix/submission submission/inet/smtpd_tls_security_level=encrypt"
    " submission/inet/smtpd_tls_auth_only=yes submission/inet/smtpd_sasl_auth_enable=yes"
    " submission/inet/smtpd_relay_restrictions=permit_sasl_authenticated,reject"
    " submission/inet/smtpd_recipient_restrictions= submission/inet/smtpd_milters=",
)


def customer_command(user: str) -> str:
    """Makes a customer of the smarthost, or gives it another password; the password comes on standard input."""
    return f"saslpasswd2 -p -c -u {OUTSIDE_ZONE} {user} && chgrp postfix {SASL_FILE} && chmod 640 {SASL_FILE}"


def tree_for_outside(
    plan: LabPlan, host: PlannedHost, keys: Keys, mail: list[bytes], web: list[bytes], root: bytes
) -> LabTree:
    """The whole server; `mail` and `web` are chain and key (PEM) of its two doors, `root` whom it believes."""
    return LabTree(
        files=(*_configuration(host), *_tls_files(mail[0], mail[1], root), *_dkim_keys(keys), *policy_files(*web)),
        users=USERS,
        units=("dkimpy-milter.service", "opendmarc.service", "postfix.service", UNIT),
        first_boot=(
            "postconf -F '*/*/chroot = n'",
            "postconf -M 'policyd-spf/unix = policyd-spf unix - n n - 0 spawn"
            " user=policyd-spf argv=/usr/bin/policyd-spf'",
            "postconf -P smtp/inet/milter_macro_daemon_name=VERIFYING",
            *SUBMISSION,
        ),
    )


def _configuration(host: PlannedHost) -> tuple[LabFile, ...]:
    words = {"domain": OUTSIDE_ZONE, "partners": ", ".join(domains()), "user": USERS[0], "tls": TLS_FOLDER}
    main = MAIN_CF.format(host=host, dkim_port=DKIM_PORT, dmarc_port=DMARC_PORT, **words)
    dkim = DKIM_CONF.format(
        host=host, domain=OUTSIDE_ZONE, port=DKIM_PORT, folder=DKIM_FOLDER, rsa=RSA_SELECTOR, ed25519=ED25519_SELECTOR
    )
    return (
        LabFile("/etc/postfix/main.cf", main),
        LabFile("/etc/mailname", f"{OUTSIDE_ZONE}\n"),
        LabFile("/etc/postfix/sasl/smtpd.conf", SASL_CONF),
        LabFile("/etc/dkimpy-milter/dkimpy-milter.conf", dkim),
        LabFile("/etc/postfix-policyd-spf-python/policyd-spf.conf", SPF_CONF),
        LabFile("/etc/opendmarc.conf", DMARC_CONF.format(host=host, port=DMARC_PORT)),
    )


def _tls_files(chain: bytes, key: bytes, root: bytes) -> tuple[LabFile, ...]:
    return (
        LabFile(f"{TLS_FOLDER}/chain.pem", chain),
        LabFile(f"{TLS_FOLDER}/key.pem", key, 0o600),
        LabFile(f"{TLS_FOLDER}/root.pem", root),
    )


def _dkim_keys(keys: Keys) -> tuple[LabFile, ...]:
    """Read by dkimpy-milter before it gives up root; the Ed25519 key is the bare seed in base64 (RFC 8032 §5.1.5)."""
    rsa = keys.dkim_rsa.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    seed = base64.b64encode(keys.dkim_ed25519.private_bytes_raw())
    return (
        LabFile(f"{DKIM_FOLDER}/rsa.pem", rsa, 0o600),
        LabFile(f"{DKIM_FOLDER}/ed25519.key", seed, 0o600),
    )
