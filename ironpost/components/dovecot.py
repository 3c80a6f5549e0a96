"""Dovecot: the logins of all services, delivery into mailboxes, and IMAP and POP3 for their owners."""

from __future__ import annotations

from ironpost.component import Check, Component, HostDirectory, HostFile, Port, Unit
from ironpost.components.sandbox import drop_in, sandbox
from ironpost.mailhost import MailHost
from ironpost.render import render

CONFIGURATION = "/etc/dovecot/dovecot.conf"
RULES = tuple(f"/etc/dovecot/sieve/{name}.sieve" for name in ("junk", "learn-spam", "learn-ham"))
# What Dovecot loads for the rules that teach rspamd; sievec(1) wants to be told.
LEARNING = "-P sieve_imapsieve -P sieve_extprograms -x '+imapsieve +vnd.dovecot.pipe'"
PROGRAMS = ("/usr/lib/ironpost/probe-dovecot", "/usr/lib/ironpost/sieve/rspamd-learn")
APP_PASSWORDS = "/etc/dovecot/app-passwords.lua"
PACKAGES = (
    "dovecot-core",
    "dovecot-auth-lua",
    "dovecot-imapd",
    "dovecot-pop3d",
    "dovecot-lmtpd",
    "dovecot-sieve",
    "python3",
)


def dovecot(mailhost: MailHost) -> Component:
    """The whole of Dovecot on one host, but for the accounts."""
    return Component(
        name="dovecot",
        packages=PACKAGES + (("dovecot-managesieved",) if mailhost.has_managesieve else ()),
        files=(
            *(HostFile(path, render(path, mailhost)) for path in (CONFIGURATION, *RULES, APP_PASSWORDS)),
            *(HostFile(path, render(path, mailhost), mode=0o755) for path in PROGRAMS),
            sandbox(mailhost, "dovecot.service"),
        ),
        directories=(
            # rspamd-learn is run by vmail.
            HostDirectory("/usr/lib/ironpost"),
            # Where Dovecot keeps the compiled rules: /etc belongs to root.
            HostDirectory("/var/lib/dovecot/sieve", mode=0o750, owner="vmail", group="vmail"),
            # Dovecot starts first and listens there for Postfix, which makes this folder only when it starts.
            HostDirectory("/var/spool/postfix/private", mode=0o700, owner="postfix"),
            # What Sieve rules send goes there; a folder that is missing would keep Dovecot from starting.
            HostDirectory("/var/spool/postfix/maildrop", mode=0o1730, owner="postfix", group="postdrop"),
        ),
        units=units(),
        ports=ports(mailhost),
        checks=(
            Check("doveconf -n >/dev/null", silent=True),
            Check(f"sievec -d {RULES[0]} >/dev/null"),
            *(Check(f"sievec {LEARNING} -d {rule} >/dev/null") for rule in RULES[1:]),
        ),
        probes=(f"python3 {PROGRAMS[0]}",),
    )


def units() -> tuple[Unit, ...]:
    """The socket unit would open the cleartext ports by itself, whatever dovecot.conf says."""
    return (
        Unit("dovecot.socket", state="masked"),
        Unit(
            "dovecot.service",
            reload_on=("/etc/dovecot/", "/etc/ssl/ironpost/"),
            # Dovecot 2.4.1 crashes, or loses the socket of anvil, when it reloads a file with other listeners.
            restart_on=(drop_in("dovecot.service"), CONFIGURATION),
        ),
    )


def ports(mailhost: MailHost) -> tuple[Port, ...]:
    """How many connections a user may hold is Dovecot's to say: behind one address there may be a whole office."""
    found = [(993, "imap", "IMAP, TLS from the first byte"), (995, "pop3", "POP3, TLS from the first byte")]
    if mailhost.imap_port:
        found.append((mailhost.imap_port, "imap", "IMAP, STARTTLS before anything else"))
    if mailhost.pop3_port:
        found.append((mailhost.pop3_port, "pop3", "POP3, STLS before anything else"))
    if mailhost.has_managesieve:
        found.append((4190, "managesieve", "Sieve rules of users, STARTTLS before anything else"))
    rate = mailhost.limits.client_connections_per_minute
    return tuple(
        Port(number, reason, sources=mailhost.sources(service)).limited_to(rate) for number, service, reason in found
    )
