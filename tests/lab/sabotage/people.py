"""Logins, machines that relay, and mailboxes."""

from __future__ import annotations

from ironpost.lab import Lab
from tests.lab.sabotage import BOTH, Sabotage, postfix

DOVECOT = "/etc/dovecot/dovecot.conf"
READ_AGAIN = "systemctl restart dovecot && sleep 1"
INSIDE = ("inside",)
# The scheme of a stored password without one, as each release writes it.
NO_SCHEME = (
    "-e 's/scheme=ARGON2ID/scheme=PLAIN/' -e 's/default_password_scheme = ARGON2ID/default_password_scheme = PLAIN/'"
)


def edited(expressions: str) -> str:
    """Changes dovecot.conf with sed(1), and has Dovecot read it."""
    return f"sed -i {expressions} {DOVECOT} && {READ_AGAIN}"


def appended(block: str) -> str:
    return f"printf '%b' '{block}' >>{DOVECOT} && {READ_AGAIN}"


def a_password_for_all(lab: Lab, host: str) -> None:
    """A store that nobody named, which knows everybody and has one password."""
    if lab.host(host).release == "trixie":
        lab.run(host, appended("passdb static {\\n  password = {PLAIN}back-door\\n}\\n"))
    else:
        lab.run(host, appended("passdb {\\n  driver = static\\n  args = password=back-door\\n}\\n"))


def programs_for_rules(lab: Lab, host: str) -> None:
    """Users' own rules may run what only root's should."""
    if lab.host(host).release == "trixie":
        lab.run(host, appended("sieve_extensions {\\n  vnd.dovecot.pipe = yes\\n}\\n"))
    else:
        lab.run(host, appended("plugin {\\n  sieve_extensions = +vnd.dovecot.pipe\\n}\\n"))


def tokens_of_anybody(lab: Lab, host: str) -> None:
    """Dovecot asks an address on loopback about tokens, where whoever listens says whose they are."""
    start = "-e 's/^auth_mechanisms = .*/& oauthbearer/'"
    settings = "introspection_url = http://127.0.0.1:8915/\\n  introspection_mode = post\\n"
    if lab.host(host).release == "trixie":
        block = f"oauth2 {{\\n  {settings}}}\\n"
    else:
        path = "/etc/dovecot/tokens.conf.ext"
        lab.run(host, f"printf '{settings}username_attribute = username\\n' | sed 's/^ *//' >{path}")
        block = f"passdb {{\\n  driver = oauth2\\n  mechanisms = oauthbearer\\n  args = {path}\\n}}\\n"
    lab.run(host, f"sed -i {start} {DOVECOT} && {appended(block)}")


PEOPLE = (
    Sabotage("AUTH-03", "CRAM-MD5 is back", edited("'s/^auth_mechanisms = plain login/& cram-md5/'"), BOTH),
    Sabotage("AUTH-05", "a bare string is a password", edited(NO_SCHEME), INSIDE),
    Sabotage(
        "AUTH-13",
        "an account that the inventory does not know",
        "sed -n 's/^[^:]*:/eve@DOMAIN:/p' /etc/dovecot/users | head -n 1 >>/etc/dovecot/users",
        INSIDE,
        trips=frozenset({"AUTH-04"}),
    ),
    Sabotage("AUTH-14", "the world is trusted", appended("login_trusted_networks = 0.0.0.0/0\\n"), INSIDE),
    Sabotage("AUTH-15", "one password opens every mailbox", a_password_for_all, INSIDE),
    Sabotage("AUTH-16", "somebody else hands out tokens", tokens_of_anybody, trips=frozenset({"AUTH-15"})),
    Sabotage(
        "RELAY-05",
        "a port for a machine that nobody listed",
        "postconf -M '127.0.0.1:2526/inet=127.0.0.1:2526 inet n - n - - smtpd' && "
        + postfix("127.0.0.1:2526/inet/smtpd_relay_restrictions=permit_mynetworks,reject"),
        INSIDE,
    ),
    Sabotage("RELAY-06", "a foreign domain is relayed to", postfix("relay_domains=customer.example"), INSIDE),
    Sabotage(
        "RELAY-07",
        "an exception for a customer's name",
        postfix("smtpd_helo_restrictions=check_helo_access static:OK"),
        INSIDE,
        trips=frozenset({"ALLOW-07", "SMTP-07"}),
    ),
    Sabotage(
        "IMAP-01",
        "IMAP in clear text again",
        "sed -i '/inet_listener imap {/,/}/s/port = 0/port = 143/' /etc/dovecot/dovecot.conf && "
        "systemctl restart dovecot && nft insert rule inet ironpost input tcp dport 143 accept && sleep 1",
        BOTH,
        trips=frozenset({"FW-02", "FW-03", "IMAP-06"}),
    ),
    Sabotage("IMAP-02", "everybody may read the store", "chmod 755 /var/vmail", INSIDE),
    Sabotage(
        "IMAP-03",
        "nobody asks whether there is room",
        postfix("smtpd_recipient_restrictions=reject_non_fqdn_recipient"),
        INSIDE,
    ),
    Sabotage(
        "IMAP-04",
        "no end to sessions",
        edited("'s/^mail_max_userip_connections = .*/mail_max_userip_connections = 100000/'"),
        INSIDE,
    ),
    Sabotage("IMAP-05", "users' rules run programs", programs_for_rules, INSIDE),
    Sabotage(
        "IMAP-06",
        "administration by network",
        appended("service doveadm {\\n  inet_listener remote {\\n    port = 24245\\n  }\\n}\\n"),
        INSIDE,
        trips=frozenset({"FW-02"}),
    ),
)
