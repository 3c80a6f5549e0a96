"""Secrets at rest: who may read keys and passwords."""

from __future__ import annotations

import itertools
from pathlib import PurePosixPath

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.host import files, part
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

OURS = "/etc/ssl/ironpost/"
KEPT = "/var/lib/ironpost/"
SIGNING = "/var/lib/rspamd/dkim/"
ROOTS_OWN = str(PurePosixPath("/root", ".ssh")) + "/"  # where ssh(1) keeps the keys with which root goes elsewhere
# Debian makes this one for itself, and nothing of ours uses it.
SNAKEOIL = "/etc/ssl/private/ssl-cert-snakeoil.key"
PASSWORDS = "/etc/dovecot/users"
TABLES = ("recipients", "aliases", "senders")
SOCKETS = {"rspamd", "redis-server", "unbound"}


@control(
    "SEC-01",
    claim="Private keys of certificates are readable for root alone, and lie nowhere but where they are used",
    reference="NIST SP 800-57pt1r5 §6; NIST SP 800-52r2 §3.2; CIS Debian 12",
    severity="critical",
)
class TlsKeysAreClosed:
    """Whoever copies the key is the mail host, for as long as the certificate lasts."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        keys = [row for row in files(snapshot, "private keys") if row["path"] != SNAKEOIL]
        if not any(row["path"].startswith(OURS) for row in keys):
            raise NotCollectedError(f"no private key was seen below {OURS}")
        faults = []
        for row in keys:
            if row["path"].startswith(SIGNING):
                continue
            if row["uid"] != 0 or row["mode"] & 0o077:
                faults.append(f"{row['path']} can be read by others (mode {row['mode']:o}, user {row['uid']})")
            if not row["path"].startswith((OURS, KEPT, ROOTS_OWN, "/etc/ssh/")):
                faults.append(f"there is a private key in {row['path']}")
        return holds_unless(faults, remedy=f"delete what does not belong there, renew the key; {REDEPLOY}")


@control(
    "SEC-02",
    claim="Signing keys are readable for the signer alone",
    reference="M3AAWG DKIM key rotation; RFC 6376 §8.3",
    severity="high",
    roles=("submission", "relay"),
)
class SigningKeysAreClosed:
    """With the key anybody signs in the domain's name, and DMARC says pass."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        keys = [key for key in snapshot.dkim_keys if key.get("access")]
        if not keys:
            raise NotCollectedError("no signing key was seen")
        faults = [
            f"{key['path']} can be read by others (mode {key['access']['mode']:o})"
            for key in keys
            if key["access"]["mode"] & 0o037
        ]
        return holds_unless(faults, remedy=f"renew that key; {REDEPLOY}")


@control(
    "SEC-03",
    claim="Password hashes and address tables are closed to other accounts of the host",
    reference="Postfix SASL_README; Dovecot, passwd-file; CIS Debian 12",
    severity="high",
    roles=("submission", "mailbox"),
)
class CredentialsAreClosed:
    """A hash that can be read can be guessed at leisure."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        known = {row["path"]: row for row in files(snapshot, "configuration")}
        wanted = [PASSWORDS, *(f"/etc/postfix/{name}" for name in TABLES)]
        missing = [path for path in wanted if path not in known]
        if missing:
            raise NotCollectedError(f"{missing[0]} was not seen")
        faults = [f"{path} has the mode {known[path]['mode']:o}" for path in wanted if known[path]["mode"] & 0o027]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SEC-04",
    claim="No key and no password hash stands in arguments, environments, unit files, histories, the log or open files",
    reference="CWE-214; CWE-532; NIST SP 800-53 IA-5(7); systemd.exec(5) CREDENTIALS",
    severity="high",
    cost="passive",
)
class SecretsAreNotLeftLying:
    """A closed file is of no use when what was in it stands in `ps`, for every account of the host."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        looked = part(snapshot, "leaks", "looked at")
        if not looked.get("process") or not looked.get("unit"):
            raise NotCollectedError("no process or no unit file was looked at")
        faults = [f"a secret stands in the {place}" for place in part(snapshot, "leaks", "found")]
        faults += ["a secret stands in the journal of the last hour"] * bool(snapshot.text("leaks", "log").strip())
        return holds_unless(faults, remedy=f"make new what was shown, and remove it there; {REDEPLOY}")


@control(
    "SEC-06",
    claim="No key serves two purposes or two hosts: TLS, signing, and SSH have keys of their own on each",
    reference="NIST SP 800-57pt1r5 §5.2; M3AAWG DKIM key rotation",
    severity="high",
    cost="passive",
)
class KeysAreNotShared:
    """Whoever takes a shared key from the weakest host is all the others as well."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        own = public_keys(snapshot)
        if not own.get("TLS") or not own.get("SSH"):
            raise NotCollectedError("no key for TLS or none for SSH was seen")
        faults = [
            f"one key serves {one} and {other}"
            for one, other in itertools.combinations(own, 2)
            if own[one] & own[other]
        ]
        for name, keys in snapshot.raw.get("keys elsewhere", {}).items():
            faults += [f"{name} has the same key for {use}" for use, mine in own.items() if mine & set(keys)]
        return holds_unless(
            faults, remedy="make a new key for one of them (`ironpost tls roll`, `ironpost dkim rotate`)"
        )


def public_keys(snapshot: Snapshot) -> dict[str, set[str]]:
    """Use → the public keys of a host, as text that only equal keys share."""
    files = [row for program in ("postfix", "dovecot") for row in snapshot.tls_files(program)]
    return {
        "TLS": {str(row["public"]) for row in files if row.get("public")},
        "signing": {str(row["public"]) for row in snapshot.dkim_keys if row.get("public")},
        "SSH": {str(row["fingerprint"]) for row in part(snapshot, "login keys", "of the host")},
    }


@control(
    "SEC-07",
    claim="What steers rspamd, Redis and unbound is a socket, no port; so there is no default password to forget",
    reference="CWE-1392; rspamd, controller worker; redis.conf; unbound-control(8)",
    severity="high",
)
class NothingIsSteeredOverAPort:
    """rspamd's stock password is q1, and loopback needs none: any account of the host could teach it."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        if not snapshot.listeners:
            raise NotCollectedError("ss shows no listener at all")
        faults = [
            f"{', '.join(sorted(each.programs & SOCKETS))} listens on {each.address}:{each.port}"
            for each in snapshot.listeners
            if each.programs & SOCKETS and each.port != 53
        ]
        return holds_unless(faults, remedy=REDEPLOY)
