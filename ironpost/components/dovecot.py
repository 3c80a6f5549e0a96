"""Dovecot: the logins of all services, delivery into mailboxes, and IMAP and POP3 for their owners."""

from __future__ import annotations

from ironpost.component import Check, Component, HostDirectory, HostFile, Port, Unit
from ironpost.components.openid import (
    openid_checks,
    openid_files,
    openid_packages,
    openid_probes,
    openid_units,
    openid_users,
)
from ironpost.components.sandbox import drop_in, sandbox
from ironpost.components.stores import dovecot_store_files, logins_files, logins_units, store_packages, store_probes
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
    """The whole of Dovecot on one host, but for the accounts; of a submission host only the logins."""
    if not mailhost.has_dovecot:
        return Component(name="dovecot", units=tuple(Unit(unit.name, state="masked") for unit in units()))
    rules, programs = rules_of(mailhost), programs_of(mailhost)
    return Component(
        name="dovecot",
        packages=packages(mailhost),
        files=(
            *(HostFile(path, render(path, mailhost)) for path in (CONFIGURATION, *rules, APP_PASSWORDS)),
            *(HostFile(path, render(path, mailhost), mode=0o755) for path in programs),
            *dovecot_store_files(mailhost),
            *logins_files(mailhost),
            *openid_files(mailhost),
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
        users=openid_users(mailhost),
        units=(*units(), *logins_units(mailhost), *openid_units(mailhost)),
        ports=ports(mailhost),
        checks=(
            Check("doveconf -n >/dev/null", silent=True),
            *(Check(f"sievec -d {rule} >/dev/null") for rule in rules[:1]),
            *(Check(f"sievec {LEARNING} -d {rule} >/dev/null") for rule in rules[1:]),
            *openid_checks(mailhost),
        ),
        probes=(f"python3 {PROGRAMS[0]}", *store_probes(mailhost), *openid_probes(mailhost)),
    )


def packages(mailhost: MailHost) -> tuple[str, ...]:
    if not mailhost.is_mailbox:
        return ("dovecot-core", "dovecot-auth-lua", "python3", *openid_packages(mailhost))
    sieve = ("dovecot-managesieved",) if mailhost.has_managesieve else ()
    return (*PACKAGES, *sieve, *store_packages(mailhost, "dovecot"), *openid_packages(mailhost))


def rules_of(mailhost: MailHost) -> tuple[str, ...]:
    """The rule for Junk where mail is delivered, and those that teach rspamd where it filters what comes in."""
    if not mailhost.is_mailbox:
        return ()
    return RULES if mailhost.learns else RULES[:1]


def programs_of(mailhost: MailHost) -> tuple[str, ...]:
    return PROGRAMS if mailhost.learns else PROGRAMS[:1]


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
    if not mailhost.is_mailbox:
        return ()
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
