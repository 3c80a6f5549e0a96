"""How logins work: mechanisms, schemes, who has an account, and the back doors of the servers."""

from __future__ import annotations

import re

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# RFC 4616, and its older twin for Outlook; inside TLS both carry the password to an Argon2id hash.
MECHANISMS = frozenset({"PLAIN", "LOGIN"})
# Whether they are offered where they should be is AUTH-16's to say.
TOKENS = frozenset({"OAUTHBEARER", "XOAUTH2"})
# Sockets that answer questions about passwords and users, each with who may ask it: mode, and no one else.
SOCKETS = {"/var/spool/postfix/private/auth": 0o660, "/run/dovecot/auth-userdb": 0o600}
TRUST = ("auth_master_user_separator", "login_trusted_networks", "haproxy_trusted_networks")
ON_SUBMISSION = (465, 587)


@control(
    "AUTH-03",
    claim="Logins use PLAIN or LOGIN inside TLS, and no mechanism that needs a password in clear text on the disk",
    reference="RFC 4616; RFC 6331; NIST SP 800-63B-4 §3; doveconf auth_mechanisms",
)
class OnlyPlainMechanisms:
    """CRAM-MD5 and DIGEST-MD5 look safer on the wire, and make the stolen file a list of passwords."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        if "auth_mechanisms" not in snapshot.dovecot:
            raise NotCollectedError("doveconf shows no auth_mechanisms")
        further = sorted(set(snapshot.dovecot["auth_mechanisms"].upper().split()) - MECHANISMS - TOKENS)
        return holds_unless((f"dovecot: auth_mechanisms has {name}" for name in further), remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for port in ON_SUBMISSION:
            for address, seen in probes.each(f"smtp/{port}"):
                offers = [line.upper().split() for line in seen.get("ehlo_tls", [])]
                found = {word for offer in offers if offer[0] == "AUTH" for word in offer[1:]}
                if not found:
                    raise NotCollectedError(f"{address} port {port}: no AUTH is offered inside TLS")
                faults += [f"{address} port {port} offers {name}" for name in sorted(found - MECHANISMS - TOKENS)]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "AUTH-05",
    claim="A stored password without a scheme is not taken for clear text",
    reference="doc.dovecot.org passdb default_password_scheme (2.4: PLAIN)",
    severity="high",
    cost="passive",
)
class NoSchemeIsNoPassword:
    """One slip in a users file would be a password that everybody who reads it can type."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        text = snapshot.text("dovecot")
        # 2.3: args = scheme=ARGON2ID …; 2.4: default_password_scheme in the block, shown with its full name or short
        found = re.findall(r"\bscheme=(\S+)|default_password_scheme = (\S+)", text)
        schemes = {name for pair in found for name in pair if name}
        if "passwd-file" not in text:
            raise NotCollectedError("doveconf shows no passwd-file")
        faults = [f"a password without scheme is read as {name}" for name in sorted(schemes - {"ARGON2ID"})]
        return holds_unless(faults or ["no scheme is set for passwords without one"] * (not schemes), remedy=REDEPLOY)


@control(
    "AUTH-13",
    claim="The host knows the accounts of the inventory and no other, and who may not log in cannot",
    reference="NIST SP 800-63B-4 §4; ISO/IEC 27001 A.5.18; CIS Controls 5",
    severity="high",
    cost="passive",
)
class AccountsAreThoseOfTheInventory:
    """An account that somebody added on the host is a way back in; one that was left is somebody who left."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        rows = {row["user"]: row for row in snapshot.passwords}
        wanted = {account.address: account for account in mailhost.login_accounts}
        faults = [f"{user} is not in the inventory" for user in sorted(set(rows) - set(wanted))]
        faults += [f"{user} is not on the host" for user in sorted(set(wanted) - set(rows))]
        for user, account in wanted.items():
            shut = account.disabled or account.second_factor or mailhost.passwords_of(account) != "all"
            if user in rows and shut and not rows[user]["locked"]:
                faults.append(f"{user} should not be able to log in with the main password alone")
        return holds_unless(faults, remedy=f"find out who added it; {REDEPLOY}", seen=f"{len(wanted)} accounts")


@control(
    "AUTH-14",
    claim="The back doors of the login servers are shut: no master users, no trusted networks, no open sockets",
    reference="doc.dovecot.org auth_master_user_separator, login_trusted_networks; CIS",
    severity="critical",
    cost="passive",
)
class NoBackDoorsToLogins:
    """A trusted network needs no TLS; a master user needs no other password than its own."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        snapshot.text("dovecot")
        faults = [
            f"dovecot: {name} = {snapshot.dovecot[name]}" for name in TRUST if snapshot.dovecot.get(name, "") != ""
        ]
        faults += [
            f"dovecot: a passdb of master users ({name})"
            for name, value in snapshot.dovecot.items()
            if name.startswith("passdb") and name.endswith("/master") and value == "yes"
        ]
        for path, most in SOCKETS.items():
            if path.startswith("/var/spool/postfix") and "submission" not in mailhost.roles:
                continue
            found = snapshot.mail_access(path)
            if found is None:
                faults.append(f"{path} is not there")
            elif found["mode"] & ~most:
                faults.append(f"{path} has mode {found['mode']:o}, more than {most:o}")
        return holds_unless(faults, remedy=REDEPLOY)
