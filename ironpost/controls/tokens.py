"""Access tokens in place of passwords: taken where the inventory says so, from its provider, and not on their word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.stores import passdbs
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

MECHANISMS = frozenset({"OAUTHBEARER", "XOAUTH2"})
# RFC 7518 §3.1 and RFC 8037: signatures that only the holder of a private key makes.
SIGNATURES = {f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)} | {"EdDSA"}
ENDPOINT = "http://127.0.0.1:915/introspect"
# What makes Dovecot heed the answer, in 2.3 and 2.4; without it every token opens the mailbox that the client names.
HEEDED = {"introspection_url": ENDPOINT, "active_attribute": "active", "active_value": "true"}
HEEDED |= {"username_attribute": "username", "introspection_mode": "post"}


@control(
    "AUTH-16",
    claim="Access tokens open mailboxes only where the inventory names a provider, and only those that it has signed",
    reference="RFC 7628; RFC 9068 §4; RFC 8725 §3.1; RFC 7662; doveconf oauth2",
    severity="critical",
    roles={"submission", "mailbox"},
)
class TokensAreThoseOfTheProvider:
    """A token is a password that somebody else hands out: whoever can make one up is everybody."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        text = snapshot.text("dovecot")
        if "auth_mechanisms" not in snapshot.dovecot:
            raise NotCollectedError("doveconf shows no auth_mechanisms")
        faults = wrongly_offered(mailhost, snapshot.dovecot["auth_mechanisms"].upper().split(), "dovecot")
        if mailhost.has_openid:
            faults += [*unheeded(snapshot), *mixed(text), *in_force(mailhost, snapshot), *taken(snapshot)]
        elif re.search(r"\bintrospection_url = |^\s*driver = oauth2", text, re.M):
            faults.append("dovecot asks somebody about tokens, and the inventory names no provider")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        ports = [465] * ("submission" in mailhost.roles) + [993, 995] * ("mailbox" in mailhost.roles)
        for port in ports:
            for address, seen in probes.each(f"tokens/{port}"):
                faults += wrongly_offered(mailhost, seen["offered"], f"{address} port {port}")
                code, said = seen.get("reply", [500, ""])
                faults += [f"{address}: a token without a signature gets {code} {said}"] * (code < 400)
        return holds_unless(faults, remedy=REDEPLOY)


def wrongly_offered(mailhost: MailHost, offered: list[str], where: str) -> list[str]:
    found, wanted = MECHANISMS & set(offered), MECHANISMS if mailhost.has_openid else frozenset()
    faults = [f"{where} offers {name}, and the inventory names no provider" for name in sorted(found - wanted)]
    return faults + [f"{where} does not offer {name}" for name in sorted(wanted - found)]


def unheeded(snapshot: Snapshot) -> Iterator[str]:
    """Dovecot 2.3 has its settings in a file of their own, 2.4 in a block or with a prefix."""
    beside = snapshot.stores["files"].get("/etc/dovecot/openid.conf.ext", {})
    block = {key.removeprefix("oauth2/").removeprefix("oauth2_"): value for key, value in snapshot.dovecot.items()}
    for name, wanted in HEEDED.items():
        found = beside.get(name, block.get(name, ""))
        if found != wanted:
            yield f"dovecot: oauth2 {name} = {found or 'unset'}"


def mixed(text: str) -> Iterator[str]:
    """A store of passwords must not be asked about tokens, nor the other way round."""
    for driver, block in passdbs(text):
        found = re.search(r"^\s*mechanisms(?:_filter)? = (.*)$", block, re.M)
        only = set(found.group(1).upper().split()) if found else {"ANY"}
        if only - (MECHANISMS if driver == "oauth2" else {"PLAIN", "LOGIN"}):
            yield f"dovecot: {driver} is asked about {' '.join(sorted(only)).lower()} logins"


def in_force(mailhost: MailHost, snapshot: Snapshot) -> Iterator[str]:
    """What the running service says, domain by domain."""
    said = {row["domain"]: row for row in snapshot.tokens.get("status", [])}
    yield from (f"tokens open mailboxes of {name}, which has no provider" for name in said.keys() - mailhost.providers)
    for domain, provider in mailhost.providers.items():
        row: dict[str, Any] = said.get(domain, {})
        if not row:
            yield f"nobody checks the tokens of {domain}"
            continue
        for name in ("issuer", "audience"):
            if row[name] != getattr(provider, name):
                yield f"{domain}: {name} is {row[name]}"
        if set(provider.scope) - set(row["scope"]):
            yield f"{domain}: scope is {' '.join(row['scope']) or 'not asked for'}"
        if extra := set(row["algorithms"]) - SIGNATURES:
            yield f"{domain}: tokens signed by {', '.join(sorted(extra))} are taken"


def taken(snapshot: Snapshot) -> Iterator[str]:
    """Forged tokens that the service took for good ones."""
    for each in snapshot.tokens.get("forged", []):
        if not isinstance(each["answer"], dict) or each["answer"].get("active", False) is not False:
            yield f"a token {each['what']} is taken"
