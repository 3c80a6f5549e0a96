"""Who may log in, where, and as whom they may send."""

from __future__ import annotations

import re

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.relay import SUBMISSION
from ironpost.controls.smtp import answered
from ironpost.controls.tls import REDEPLOY, dovecot_value, listed, smtpd
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# RFC 9106 §4 and OWASP: the least of argon2id that resists guessing on graphics cards
LEAST_MEMORY_KIB = 19456
LEAST_PASSES = 2
SYSTEM_BACKENDS = ("pam", "passwd", "shadow", "bsdauth", "nss")
# Ports of the fleet, where a certificate is asked for and no login.
FLEET = ("4525/inet", "4526/inet")
BOUND = ("reject_sender_login_mismatch", "reject_authenticated_sender_login_mismatch")


@control(
    "AUTH-01",
    claim="Port 25 neither offers nor accepts a login",
    reference="RFC 6409 §3.1, §4.3; RFC 5068 §3; postconf(5) smtpd_sasl_auth_enable",
    severity="high",
)
class NoAuthOn25:
    """Passwords belong on the submission ports; port 25 is where everybody may guess."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        value = snapshot.postfix.service("smtp/inet")["smtpd_sasl_auth_enable"]
        return holds_unless([f"smtpd_sasl_auth_enable = {value} on port 25"] * (value != "no"), remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("smtp/25"):
            for when, offers in (("", seen["ehlo"]), (" inside TLS", seen.get("ehlo_tls", []))):
                if any(line.upper().startswith("AUTH") for line in offers):
                    faults.append(f"{address}: EHLO on port 25 offers AUTH{when}")
            faults += answered(address, seen, "AUTH")
            code, text = seen.get("replies_tls", {}).get("AUTH", (500, ""))
            if code < 500:
                faults.append(f"{address}: AUTH inside TLS gets {code} {text}")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "AUTH-02",
    claim="No login is offered or accepted before TLS, on any service",
    reference="RFC 4954 §4; RFC 8314 §4.1; RFC 9051 §6.2.3; postconf(5) smtpd_tls_auth_only",
    severity="critical",
)
class NoLoginOutsideTls:
    """What crossed in clear text was read by everyone on the way."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{name}: smtpd_tls_auth_only = {service['smtpd_tls_auth_only']}"
            for name, service in smtpd(snapshot)
            if service["smtpd_tls_auth_only"] != "yes"
            and (name not in FLEET or service["smtpd_sasl_auth_enable"] != "no")
        ]
        if dovecot_value(snapshot, "ssl", "ssl", "yes") != "required":
            faults.append(f"dovecot: ssl = {snapshot.dovecot.get('ssl', 'yes')}")
        if snapshot.dovecot.get("disable_plaintext_auth") == "no":
            faults.append("dovecot: disable_plaintext_auth = no")
        if snapshot.dovecot.get("auth_allow_cleartext") == "yes":
            faults.append("dovecot: auth_allow_cleartext = yes")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("smtp/587"):
            if any(line.upper().startswith("AUTH") for line in seen["ehlo"]):
                faults.append(f"{address} port 587 offers AUTH before TLS")
            faults += answered(f"{address} port 587", seen, "AUTH")
        for port in (143, 110):
            if probes.has(f"mailbox/{port}"):
                faults += [
                    f"{address} {fault}"
                    for address, seen in probes.each(f"mailbox/{port}")
                    for fault in bared(port, seen["before"])
                ]
        return holds_unless(faults, remedy=REDEPLOY)


def bared(port: int, said: str) -> list[str]:
    """What is wrong with how IMAP or POP3 answers before TLS."""
    if port == 143:
        faults = ["port 143 does not say LOGINDISABLED"] * ("LOGINDISABLED" not in said.upper())
        return faults + ["port 143 takes LOGIN before TLS"] * bool(re.search(r"^b OK", said, re.M))
    return ["port 110 takes USER before TLS"] * (re.search(r"^USER\s*$", said, re.M) is not None)


@control(
    "AUTH-04",
    claim="Every stored password is an Argon2id hash of sufficient cost, with a salt of its own",
    reference="NIST SP 800-63B-4 §3.1.1.2; RFC 9106 §4; OWASP password storage",
    severity="high",
)
class PasswordsAreArgon2id:
    """A stolen file of weak hashes is a file of passwords."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        rows = snapshot.passwords
        faults = []
        for row in rows:
            cost = row["cost"]
            if row["scheme"] != "ARGON2ID" or row["kind"] != "argon2id":
                faults.append(f"{row['user']}: the scheme is {row['scheme'] or row['kind'] or 'none'}")
            elif cost.get("m", 0) < LEAST_MEMORY_KIB or cost.get("t", 0) < LEAST_PASSES:
                faults.append(f"{row['user']}: Argon2id with m={cost.get('m')}, t={cost.get('t')}")
        # One account may stand in the files of several services.
        salts = [salt for _, salt in {(row["user"], row["salt"]) for row in rows if row["salt"]}]
        if len(set(salts)) != len(salts):
            faults.append("two accounts share a salt")
        return holds_unless(
            faults, remedy="make a new hash with `ironpost user hash`, and deploy", seen=f"{len(rows)} accounts"
        )


@control(
    "AUTH-09",
    claim="Who logged in may only use envelope senders that belong to the login",
    reference="RFC 6409 §6.1; SASL_README; postconf(5) smtpd_sender_login_maps",
    severity="high",
)
class SendersBelongToLogins:
    """One stolen or careless account must not write as all others."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name in SUBMISSION:
            service = snapshot.postfix.service(name)
            rules = listed(service["smtpd_sender_restrictions"])
            if not rules or rules[0] not in BOUND:
                faults.append(f"{name}: smtpd_sender_restrictions = {service['smtpd_sender_restrictions']!r}")
            if not service["smtpd_sender_login_maps"]:
                faults.append(f"{name}: smtpd_sender_login_maps is empty")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        attempts = probes.letters.senders
        if not any(each.own and each.reply.code < 400 for each in attempts):
            raise NotCollectedError(f"the probe login cannot even send as itself ({attempts[0].reply.text})")
        faults = [
            f"{each.login} as {each.sender} gets {each.reply.code} {each.reply.text}"
            for each in attempts
            if each.own is not (each.reply.code < 400)
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "AUTH-11",
    claim="Mail logins have nothing to do with the accounts of the system",
    reference="CIS; doveconf passdb, userdb, first_valid_uid",
    severity="high",
    roles=("mailbox",),
)
class MailLoginsAreNotSystemLogins:
    """With Debian's defaults whoever guesses root's password by IMAP is root by SSH."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        text = snapshot.text("dovecot")
        # 2.3: `driver = pam` inside passdb { }; 2.4: `passdb pam {`
        found = set(re.findall(r"^(?:pass|user)db (\w[\w-]*) \{", text, re.M))
        for block in re.findall(r"^(?:pass|user)db \{(.*?)^\}", text, re.M | re.S):
            found |= set(re.findall(r"^\s*driver = (\S+)", block, re.M))
        if not found:
            raise NotCollectedError("doveconf shows no passdb and no userdb")
        faults = [f"dovecot asks {backend}" for backend in sorted(found) if backend in SYSTEM_BACKENDS]
        first, last = (dovecot_value(snapshot, name, name, "") for name in ("first_valid_uid", "last_valid_uid"))
        if not first or first != last:
            faults.append(f"dovecot: mail may belong to uid {first or 'any'} to {last or 'any'}")
        return holds_unless(faults, remedy=REDEPLOY)
