"""Mistakes that show only between the settings of one mail host, or in the files that they name."""

from __future__ import annotations

import itertools
from ipaddress import ip_network
from pathlib import Path

from ironpost.mailhost import MailHost
from ironpost.mailhost.forwarding import FORWARD_PORT, SRS_FORWARD_PORT, SRS_REVERSE_PORT
from ironpost.mailhost.roles import MAILBOX_PORT, WORLD_PORT
from ironpost.settings import Acme, Database, Directory

# Whose they are on every host, or would be with one more setting.
FIXED_PORTS = {
    25: "SMTP",
    53: "unbound",
    80: "the web server",
    110: "POP3",
    143: "IMAP",
    443: "the web server",
    465: "submission",
    587: "submission",
    915: "OpenID",
    993: "IMAP",
    995: "POP3",
    4190: "ManageSieve",
    FORWARD_PORT: "what is forwarded",
    SRS_FORWARD_PORT: "postsrsd",
    SRS_REVERSE_PORT: "postsrsd",
    11332: "rspamd",
    11333: "rspamd",
    11334: "rspamd",
}


def missing_files(mailhost: MailHost, directory: Path) -> list[str]:
    certificate = mailhost.certificate
    named = [certificate.authority if isinstance(certificate, Acme) else certificate.chain]
    named += [mailhost.ssh.key, mailhost.ssh.known_hosts]
    named += [mailhost.probe.authority] if mailhost.probe else []
    named += [mailhost.inner.authority, mailhost.inner.chain] if mailhost.inner else []
    named += [mailhost.client_certificates.authority] if mailhost.client_certificates else []
    named += [smarthost.authority for smarthost in mailhost.smarthosts]
    named += [store.authority for store in (mailhost.directory, mailhost.database) if store]
    named += [provider.authority for provider in mailhost.providers.values()]
    return [name for name in named if name and not (directory / Path(name).expanduser()).is_file()]


def address_mistakes(mailhost: MailHost) -> list[str]:
    """Addresses that must end in a mailbox of this host, and do not."""
    known = {address for account in mailhost.accounts for address in account.addresses}
    # What a store knows is not known here.
    hosted = set(mailhost.domain_names) - set(mailhost.stored_domains)
    mistakes = []
    if mailhost.admin.rpartition("@")[2] in hosted and mailhost.admin not in known:
        mistakes.append(f"admin: {mailhost.admin} has no mailbox here; add the user, or name another address")
    for domain in mailhost.domains:
        reports = domain.tls_reports
        if reports and reports.rpartition("@")[2] in hosted and reports not in known:
            mistakes.append(f"tls_reports: {reports} has no mailbox here; add the user, or name another address")
    mailboxes = {account.address for account in mailhost.accounts}
    elsewhere = mailhost.probe and mailhost.probe.address.rpartition("@")[2] in mailhost.stored_domains
    if mailhost.probe and not elsewhere and mailhost.probe.address not in mailboxes:
        mistakes.append(f"probe: {mailhost.probe.address} has no mailbox here; add the user, or name another mailbox")
    for account in mailhost.accounts:
        foreign = [alias for alias in account.aliases if alias.rpartition("@")[2] not in hosted]
        mistakes += [
            f"{account.address}: the alias {alias} is not of a domain of this host; remove it" for alias in foreign
        ]
    return mistakes


def openid_mistakes(mailhost: MailHost) -> list[str]:
    """Who logs in with tokens must be known here by address, and must not be shut out of everything."""
    told: dict[str, set[str]] = {}
    for provider in mailhost.providers.values():
        told.setdefault(provider.issuer, set()).add(f"{provider.authority} {provider.keys_hours}")
    mistakes = [
        f"openid: {issuer} is described twice with another authority or keys_hours; say the same of it"
        for issuer, said in told.items()
        if len(said) > 1
    ]
    mistakes += [
        f"openid: the accounts of {name} are in a store, which tokens are not compared with; name a users file"
        for name in mailhost.providers
        if name in mailhost.stored_domains
    ]
    probe = mailhost.probe.address if mailhost.probe else ""
    provider_of_probe = mailhost.providers.get(probe.rpartition("@")[2])
    if provider_of_probe and provider_of_probe.passwords != "all":
        mistakes.append(
            f'probe: {probe} is to log in with a password, and openid of its domain says passwords="'
            f'{provider_of_probe.passwords}"; name a mailbox of another domain'
        )
    return mistakes


def store_mistakes(mailhost: MailHost) -> list[str]:
    """A host asks one directory and one database: which of two would answer for a name would be chance."""
    mistakes = []
    if mailhost.has_stores and mailhost.header_from == "owned":
        mistakes.append('header_from: "owned" knows the accounts of users files alone; leave it out beside a store')
    if mailhost.has_stores and mailhost.inner:
        mistakes.append("inner: a mailbox is found by its address in users files alone; keep all roles beside a store")
    return mistakes + [
        f"{kind.__name__}: {len(found)} different ones are named; one host asks one, which may serve several domains"
        for kind in (Directory, Database)
        if len(found := {repr(each.users) for each in mailhost.domains if isinstance(each.users, kind)}) > 1
    ]


def relaying_mistakes(mailhost: MailHost) -> list[str]:
    """Machines and smarthosts that fit nothing else that was said."""
    hosted = set(mailhost.domain_names)
    mistakes = [
        f"relay_clients: {client.name} may send for {name}, which this host does not serve; remove it"
        for client in mailhost.relay_clients
        for name in client.domains
        if name not in hosted
    ]
    owners = [f"relay client {client.name}" for client in mailhost.relay_clients if client.certificate]
    people = mailhost.accounts if mailhost.is_submission else ()
    owners += [account.address for account in people if account.certificates]
    if owners and not mailhost.client_certificates:
        mistakes.append(f"client_certificates: is not set, but {owners[0]} has a certificate; name the CA and a port")
    keys = [key for restriction in mailhost.restriction_classes for key in restriction.keys]
    mistakes += [f"{key}: stands for two senders; keep one" for key in sorted({k for k in keys if keys.count(k) > 1})]
    return mistakes + overlapping_machines(mailhost) + smarthost_mistakes(mailhost)


def overlapping_machines(mailhost: MailHost) -> list[str]:
    """Postfix takes the first line that fits (cidr_table(5)), so that the second machine would be refused."""
    rows = [(client.name, ip_network(net)) for client in mailhost.relay_clients for net in client.addresses]
    return [
        f"relay_clients: {other} of {owner} lies in {net} of {name}; write each address once"
        for (name, net), (owner, other) in itertools.permutations(rows, 2)
        if name != owner and net.version == other.version and net != other and net.overlaps(other)
        if other.prefixlen > net.prefixlen
    ]


def smarthost_mistakes(mailhost: MailHost) -> list[str]:
    hosted = set(mailhost.domain_names)
    named = [name for smarthost in mailhost.smarthosts for name in smarthost.domains]
    mistakes = [
        f"smarthosts: {name} is not a domain of this host; remove it from domains="
        for name in dict.fromkeys(named)
        if name not in hosted
    ]
    mistakes += [
        f"smarthosts: {name} has two of them; keep one" for name in sorted({n for n in named if named.count(n) > 1})
    ]
    mistakes += [
        f"smarthosts: {smarthost.host} is this host itself, and mail would go round; name another"
        for smarthost in mailhost.smarthosts
        if smarthost.host == mailhost.name
    ]
    if len([smarthost for smarthost in mailhost.smarthosts if not smarthost.domains]) > 1:
        mistakes.append("smarthosts: two of them are for all senders; give domains= to one")
    return mistakes


def port_mistakes(mailhost: MailHost) -> list[str]:
    """Two services on one port: the second one would not start."""
    owners: dict[int, list[str]] = {port: [name] for port, name in FIXED_PORTS.items()}
    for port, name in (
        (mailhost.ssh.port, "ssh"),
        (mailhost.certificate_port, "client_certificates"),
        (mailhost.relay_port, "relay_clients known by address"),
        (MAILBOX_PORT if mailhost.takes_from_fleet else 0, "inner, for mailboxes"),
        (WORLD_PORT if mailhost.sends_for_fleet else 0, "inner, for the world"),
        (mailhost.counts_port, "inner, for sending limits"),
    ):
        if port:
            owners.setdefault(port, []).append(name)
    return [
        f"port {port}: {' and '.join(names)} both listen there; give one another port"
        for port, names in owners.items()
        if len(names) > 1
    ]
