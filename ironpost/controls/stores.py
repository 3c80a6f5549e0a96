"""Whom a host asks who has an account, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# What decides on each host: the table of app passwords, and the file of accounts.
# Where Dovecot 2.3 is told about tokens: the service on this host that AUTH-16 looks at.
TOKENS = "/etc/dovecot/openid.conf.ext"
OWN = frozenset({"lua", "passwd-file"})
REMOTE = frozenset({"ldap", "sql"})


@control(
    "AUTH-15",
    claim="Logins are decided by the stores that the inventory names and by no other, each asked over verified TLS",
    reference="ISO/IEC 27001 A.5.18; RFC 4513 §3.1.3; libpq sslmode; doveconf passdb; ldap_table(5) tls_require_cert",
    severity="critical",
    cost="passive",
)
class LoginsAreDecidedByNamedStores:
    """A store says who is who: one that nobody named, or that somebody else plays, opens every mailbox."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        text = snapshot.text("dovecot")
        found = [driver for driver, _ in passdbs(text)]
        if not found:
            raise NotCollectedError("doveconf shows no passdb")
        named = OWN | ({"ldap"} if mailhost.directory else set()) | ({"sql"} if mailhost.database else set())
        named |= {"oauth2"} if mailhost.has_openid else set()
        faults = [f"dovecot asks {driver}, which the inventory does not name" for driver in sorted({*found} - named)]
        if {*found} & REMOTE or set(snapshot.stores["files"]) - {TOKENS}:
            faults += [*open_to_all(text), *unverified(text, snapshot), *readable(snapshot)]
        return holds_unless(faults, remedy=REDEPLOY, seen=", ".join(dict.fromkeys(found)))


def passdbs(text: str) -> Iterator[tuple[str, str]]:
    """Driver and block of each passdb: `driver = ldap` inside passdb { } (2.3), or `passdb ldap {` (2.4)."""
    for name, block in re.findall(r"^passdb ?([\w-]*) \{\n(.*?)^\}", text, re.M | re.S):
        driver = re.search(r"^\s*driver = (\S+)", block, re.M)
        yield driver.group(1) if driver else name, block


def open_to_all(text: str) -> list[str]:
    """A store without a filter answers for the accounts of all other domains too."""
    return [
        f"dovecot: {driver} is asked for names of every domain"
        for driver, block in passdbs(text)
        if driver in REMOTE and not re.search(r"username_filter = \*@\S", block)
    ]


def unverified(text: str, snapshot: Snapshot) -> Iterator[str]:
    """Each place where a store is named: dovecot.conf of 2.4, files beside it of 2.3, tables of Postfix."""
    for uris in re.findall(r"^\s*ldap_uris = (.*)$", text, re.M):
        if not all(uri.startswith("ldaps://") for uri in uris.split()):
            yield f"dovecot: ldap_uris = {uris}"
    if re.search(r"^\s*ssl_client_require_valid_cert = no|^\s*require_valid_cert = no", text, re.M):
        yield "dovecot: ssl_client_require_valid_cert = no"
    for block in re.findall(r"^pgsql \S+ \{\n(.*?)^\}", text, re.M | re.S):
        if "sslmode = verify-full" not in block:
            yield "dovecot: the certificate of the database is not verified (sslmode)"
    for path, settings in snapshot.stores["files"].items():
        if path != TOKENS:
            yield from (f"{path}: {fault}" for fault in faults_of(path, settings))


def faults_of(path: str, settings: dict[str, str]) -> Iterator[str]:
    if "error" in settings:
        raise NotCollectedError(f"{path}: {settings['error']}")
    asked = settings.get("uris", settings.get("server_host"))
    if asked is not None:
        if not all(uri.startswith("ldaps://") for uri in asked.split()):
            yield f"the directory is asked at {asked}"
        if settings.get("tls_require_cert") not in ("hard", "demand", "yes"):
            yield f"tls_require_cert = {settings.get('tls_require_cert', 'unset')}"
    elif not re.search(r"\bsslmode=verify-full\b", settings.get("connect", settings.get("hosts", ""))):
        yield "the certificate of the database is not verified (sslmode)"
    if path.endswith(".cf") and not settings.get("domain"):
        yield "it is asked for addresses of every domain"


def readable(snapshot: Snapshot) -> Iterator[str]:
    """A login for the store in the hands of any user of the host reads who works here."""
    for path, seen in snapshot.stores["access"].items():
        if seen is None:
            yield f"{path} is not there"
        elif seen["mode"] & 0o037:
            yield f"{path} has mode {seen['mode']:o}, and holds a login"
