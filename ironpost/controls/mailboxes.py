"""Mailboxes: their doors, their files, delivery into them, and what rules of users may do."""

from __future__ import annotations

import re

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY, dovecot_value, listed
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

STORE = "/var/vmail"
DELIVERY = "/var/spool/postfix/private/dovecot-lmtp"
CLEARTEXT = {"imap": 143, "pop3": 110, "managesieve": 4190}
LISTENERS = {
    "imap": "service imap-login/inet_listener imap/port",
    "pop3": "service pop3-login/inet_listener pop3/port",
}
MOST_SESSIONS = 100  # of one user at one address
MOST_REDIRECTS = 4
# What a rule of a user must never be able to ask for (Pigeonhole, sieve_extprograms).
PROGRAMS = ("vnd.dovecot.execute", "vnd.dovecot.filter", "vnd.dovecot.pipe")
# Where Dovecot listens at most: IMAP and POP3 with TLS, and what the inventory asks for besides.
IMPLICIT = {993, 995}


@control(
    "IMAP-01",
    claim="Mailboxes are read on 993 and 995, inside TLS from the first byte; other ports are closed unless asked for",
    reference="RFC 8314 §3, §4.1; RFC 9051 §11.1",
    severity="high",
    roles=("mailbox",),
)
class MailboxPortsBeginInTls:
    """A program that may begin without TLS can be talked into staying without."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"dovecot: {name} listens on {snapshot.dovecot.get(path, 'its default port')}"
            for name, path in LISTENERS.items()
            if name not in mailhost.cleartext_ports and snapshot.dovecot.get(path) != "0"
        ]
        if dovecot_value(snapshot, "ssl", "ssl", "yes") != "required":
            faults.append("dovecot: ssl is not required")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        asked = {CLEARTEXT[name] for name in mailhost.cleartext_ports}
        faults = []
        for address, seen in probes.each("ports"):
            shut = set(CLEARTEXT.values()) - asked
            faults += [f"{address}: port {port} is open" for port in sorted(shut & set(seen["open"]))]
        for port in sorted(IMPLICIT):
            for address, seen in probes.each(f"tls/{port}"):
                if not any("version" in found for found in seen["versions"].values()):
                    faults.append(f"{address}: port {port} speaks no TLS")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "IMAP-02",
    claim="Mail belongs to one system user, nobody else reads it, and no login reaches the files of another",
    reference="NIST SP 800-45 §6; CWE-22; doveconf mail_full_filesystem_access",
    severity="critical",
    cost="passive",
)
class TheStoreIsPrivate:
    """All mail of all people lies below one folder."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        found = snapshot.mail_access(STORE)
        faults = [] if found else [f"{STORE} is not there"]
        if found and found["mode"] & 0o077:
            faults.append(f"{STORE} has mode {found['mode']:o}")
        if found and not 0 < found["uid"] < 65534:
            faults.append(f"{STORE} belongs to uid {found['uid']}")
        if found and found.get("acl"):
            faults.append(f"{STORE} has an access list besides its mode")
        if dovecot_value(snapshot, "mail_full_filesystem_access", "mail_full_filesystem_access", "no") != "no":
            faults.append("dovecot: mail_full_filesystem_access = yes")
        if "/" in snapshot.dovecot.get("auth_username_chars", "/"):
            faults.append("dovecot: a login name may hold a slash")
        return holds_unless(faults, remedy=f"chmod 700 {STORE}; {REDEPLOY}")


@control(
    "IMAP-03",
    claim="Only Postfix delivers, over a socket; a full mailbox is told in the session and not by a bounce",
    reference="RFC 2033 §4; SMTPD_POLICY_README; doveconf quota_status",
    severity="high",
    cost="passive",
)
class OnlyPostfixDelivers:
    """Who reaches LMTP writes into any mailbox past all checks; and a late bounce hits a forged sender."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        listening = [name for name in snapshot.dovecot if name.startswith("service lmtp/inet_listener")]
        faults = [f"dovecot: {name} is open to the network" for name in listening]
        found = snapshot.mail_access(DELIVERY)
        if found is None:
            faults.append(f"{DELIVERY} is not there")
        elif found["mode"] & 0o007:
            faults.append(f"{DELIVERY} has mode {found['mode']:o}")
        rules = listed(snapshot.postfix.service("smtp/inet")["smtpd_recipient_restrictions"])
        if "unix:private/quota-status" not in rules:
            faults.append("postfix does not ask whether the mailbox has room")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "IMAP-04",
    claim="Sessions of one user at one address and connections before login are limited",
    reference="CIS; doveconf mail_max_userip_connections, process_limit",
    cost="passive",
    roles=("mailbox",),
)
class SessionsAreLimited:
    """One telephone gone mad must not shut out the others."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        snapshot.text("dovecot")
        # Not shown when it is the default, which is 10 for IMAP and so is no fault.
        most = {
            name: int(value)
            for name, value in snapshot.dovecot.items()
            if name.rpartition("/")[2] == "mail_max_userip_connections"
        }
        faults = [f"dovecot: {name} = {value}" for name, value in most.items() if not 0 < value <= MOST_SESSIONS]
        for service in ("imap-login", "pop3-login"):
            if not 0 < int(snapshot.dovecot.get(f"service {service}/process_limit", "0")) <= 1000:
                faults.append(f"dovecot: service {service} has no process_limit")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "IMAP-05",
    claim="Rules of users run no program and send on to few or none",
    reference="RFC 5228 §10; RFC 5804 §2.1; Pigeonhole sieve_extensions, sieve_max_redirects",
    severity="high",
    cost="passive",
    roles=("mailbox",),
)
class SieveRunsNoPrograms:
    """Whoever reads mail in a stolen account would otherwise also run commands, and copy all mail to elsewhere."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        text = snapshot.text("dovecot")
        # 2.3: sieve_extensions = +vnd…; 2.4: sieve_extensions { vnd… = yes }. Global ones are for root's rules alone.
        line = " ".join(re.findall(r"^\s*sieve_extensions = (.*)$", text, re.M))
        block = " ".join(re.findall(r"^\s*sieve_extensions \{(.*?)\}", text, re.M | re.S))
        faults = [f"users' rules may use {name}" for name in PROGRAMS if name in line or f"{name} = yes" in block]
        redirects = re.findall(r"^\s*sieve_max_redirects = (\d+)", text, re.M)
        if not redirects:
            raise NotCollectedError("doveconf shows no sieve_max_redirects")
        if any(int(number) > MOST_REDIRECTS for number in redirects):
            faults.append(f"users' rules may send on to {max(map(int, redirects))} addresses")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "IMAP-06",
    claim="Nothing of Dovecot listens but mailboxes: no administration, no statistics, no replication",
    reference="CWE-306; doveconf service doveadm, stats, replicator",
    severity="critical",
    cost="passive",
)
class NoAdministrationByNetwork:
    """An administration port reads all mail."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        wanted = IMPLICIT | {CLEARTEXT[name] for name in mailhost.cleartext_ports}
        heard = [
            each for each in snapshot.listeners if "dovecot" in each.programs or "doveadm" in " ".join(each.programs)
        ]
        faults = [f"dovecot listens on {each.address}:{each.port}" for each in heard if each.port not in wanted]
        faults += [
            f"dovecot: {name}"
            for name in snapshot.dovecot
            if re.match(r"service (doveadm|stats|replicator|aggregator|dns-client)/inet_listener [^/]*$", name)
        ]
        return holds_unless(faults, remedy=REDEPLOY)
