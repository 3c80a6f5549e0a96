"""Logins with access tokens: the small service that Dovecot asks about each of them, its settings and its table."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ironpost.accounts import Account
from ironpost.component import Check, HostFile, SystemUser, Unit
from ironpost.components.app_passwords import ANY, WITH_CERTIFICATE
from ironpost.mailhost import MailHost
from ironpost.mailhost.access import LOGINS
from ironpost.mailhost.openid import OPENID_PORT, OPENID_USER
from ironpost.mailhost.stores import SYSTEM_AUTHORITIES
from ironpost.render import render
from ironpost.settings import OpenId

PROGRAM = "/usr/lib/ironpost/openid/"  # ironpost/openid, which is part of each generation that needs it
PROVIDERS = "/etc/ironpost/openid/providers.json"
ACCOUNTS = "/etc/ironpost/openid/accounts"
AUTHORITY = "/etc/ironpost/openid/{domain}.pem"
SERVICE = "/etc/systemd/system/ironpost-openid.service"
SOCKET = "/etc/systemd/system/ironpost-openid.socket"
ASKING = "/etc/dovecot/openid.conf.ext"  # beside dovecot.conf, which on Debian 13 holds everything itself
HEADER = "# Written by ironpost. Address, service, networks, second factor; between them tabs.\n"

# Asks the running service about something that is no token: it must say that it opens nothing.
ANSWERS = f"""python3 -c '
import http.client, json
asked = http.client.HTTPConnection("127.0.0.1", {OPENID_PORT}, timeout=8)
asked.request("POST", "/introspect", "token=none")
raise SystemExit(json.loads(asked.getresponse().read()) != {{"active": False}})
'"""


def openid_packages(mailhost: MailHost) -> tuple[str, ...]:
    return ("python3-jwt", "python3-cryptography") if mailhost.has_openid else ()


def openid_users(mailhost: MailHost) -> tuple[SystemUser, ...]:
    """A user of its own, so that the firewall can let this program out and no other."""
    return (SystemUser(OPENID_USER),) if mailhost.has_openid else ()


def openid_files(mailhost: MailHost) -> tuple[HostFile, ...]:
    if not mailhost.has_openid:
        return ()
    beside = (ASKING,) if mailhost.release == "bookworm" else ()
    return (
        *(HostFile(path, render(path, mailhost)) for path in (SERVICE, SOCKET, *beside)),
        HostFile(PROVIDERS, providers_file(mailhost), mode=0o640, group=OPENID_USER),
        HostFile(ACCOUNTS, accounts_file(mailhost), mode=0o640, group=OPENID_USER),
        *(
            HostFile(AUTHORITY.format(domain=domain), mailhost.file(provider.authority).read_text())
            for domain, provider in mailhost.providers.items()
            if provider.authority
        ),
    )


def openid_units(mailhost: MailHost) -> tuple[Unit, ...]:
    """The table is read at each login, the settings when the service starts."""
    if not mailhost.has_openid:
        return ()
    authorities = (AUTHORITY.format(domain=domain) for domain in mailhost.providers)
    return (
        Unit("ironpost-openid.socket", restart_on=(SOCKET,)),
        Unit("ironpost-openid.service", restart_on=(SERVICE, PROGRAM, PROVIDERS, *authorities)),
    )


def openid_checks(mailhost: MailHost) -> tuple[Check, ...]:
    """The program reads its settings with the libraries of this host, before anything is switched."""
    tried = f"from openid.check import read_providers; read_providers(Path({PROVIDERS!r}))"
    text = f"import sys; sys.path.insert(0, '/usr/lib/ironpost'); from pathlib import Path; {tried}"
    return (Check(f'python3 -B -c "{text}"'),) if mailhost.has_openid else ()


def openid_probes(mailhost: MailHost) -> tuple[str, ...]:
    return (ANSWERS,) if mailhost.has_openid else ()


def providers_file(mailhost: MailHost) -> str:
    """What ironpost/openid/tokens.py reads: one object for each domain."""
    rows = [provider_row(domain, provider) for domain, provider in mailhost.providers.items()]
    return json.dumps({"providers": rows}, indent=2) + "\n"


def provider_row(domain: str, provider: OpenId) -> dict[str, object]:
    authority = AUTHORITY.format(domain=domain) if provider.authority else SYSTEM_AUTHORITIES
    return {
        "domain": domain,
        "issuer": provider.issuer,
        "audience": provider.audience,
        "claim": provider.claim,
        "scope": provider.scope,
        "clients": provider.clients,
        "algorithms": provider.algorithms,
        "token_type": provider.token_type,
        "second_factor": provider.second_factor,
        "keys_seconds": provider.keys_hours * 3600,
        "authority": authority,
    }


def accounts_file(mailhost: MailHost) -> str:
    """The rows of all accounts that may log in with a token, service by service."""
    open_accounts = (
        each for each in mailhost.login_accounts if each.domain in mailhost.providers and not each.disabled
    )
    return HEADER + "".join("\t".join(row) + "\n" for account in open_accounts for row in rows(mailhost, account))


def rows(mailhost: MailHost, account: Account) -> Iterator[tuple[str, str, str, str]]:
    """One reads only where the mailbox is, and sends everywhere; allowlists hold as they do for passwords."""
    needed = "required" if account.second_factor else "-"
    for service in LOGINS:
        here = account in mailhost.residents if service != "smtp" else mailhost.is_submission
        if here and (service != "sieve" or mailhost.has_managesieve):
            where = ",".join(mailhost.networks_of(account, service)) or ANY
            yield account.address, service, where, needed
            if service == "smtp" and mailhost.certificate_port:
                yield account.address, WITH_CERTIFICATE, where, needed
