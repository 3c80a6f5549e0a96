"""Postfix: mail from other servers on 25, from the users on 465 and 587, and out into the world."""

from __future__ import annotations

import dataclasses
import ipaddress
import shlex

from ironpost.component import Check, Component, HostFile, Port, SystemUser, Unit
from ironpost.components import postfix_maps as maps
from ironpost.components.inner import inner_checks, inner_files, inner_ports, inner_tables
from ironpost.components.relaying import machine_ports, relaying_files, relaying_tables
from ironpost.components.sandbox import drop_in, sandbox
from ironpost.components.stores import postfix_store_files, store_checks, store_packages
from ironpost.mailhost import MailHost
from ironpost.render import render

CONFIGURATION = ("main.cf", "master.cf", "tls.cnf", "submission_header_checks", "submission_mime_checks")
PROGRAMS = ("/usr/lib/ironpost/try-postfix", "/usr/lib/ironpost/probe-smtp")
PACKAGES = ("postfix", "ca-certificates", "iproute2", "openssl", "python3")
# Servers remember which mechanisms Dovecot offers for as long as they live.
RELOAD_ON = ("/etc/postfix/", "/etc/ssl/ironpost/", "/etc/dovecot/dovecot.conf")
NOBODY = "no-such-recipient-7f3a"

# On Debian 12 postfix.service is an empty shell around instances; the one that runs is called "-".
UNITS = {"bookworm": "postfix@-.service", "trixie": "postfix.service"}


def postfix(mailhost: MailHost) -> Component:
    """The whole of Postfix on one host."""
    unit = UNITS[mailhost.release]
    return Component(
        name="postfix",
        packages=(
            *PACKAGES,
            *(("libsasl2-modules",) if mailhost.smarthosts else ()),  # PLAIN and LOGIN of smtp(8)
            *store_packages(mailhost, "postfix"),
        ),
        files=(
            *configuration(mailhost),
            *tables(mailhost),
            *programs(mailhost),
            *relaying_files(mailhost),
            *inner_files(mailhost),
            *postfix_store_files(mailhost),
            sandbox(mailhost, unit),
        ),
        users=(SystemUser("postfix", groups=("_rspamd",)),) if mailhost.has_filter else (),
        units=(Unit(unit, reload_on=RELOAD_ON, restart_on=(drop_in(unit),)),),
        ports=ports(mailhost),
        checks=checks(mailhost),
        probes=(f"python3 {PROGRAMS[1]} {' '.join(mailhost.smtp_ports)}",) if mailhost.smtp_ports else (),
    )


def configuration(mailhost: MailHost) -> tuple[HostFile, ...]:
    paths = (f"/etc/postfix/{name}" for name in CONFIGURATION)
    return tuple(HostFile(path, render(path, mailhost)) for path in paths)


def tables(mailhost: MailHost) -> tuple[HostFile, ...]:
    """The lookup tables. The group may read them: the daemons open some of them after they gave up root."""
    contents = {
        "recipients": maps.table("Addresses with a mailbox.", maps.recipients(mailhost)),
        "aliases": maps.table("Addresses that lead to a mailbox.", maps.aliases(mailhost)),
        "senders": maps.table("Envelope senders, and the login that may use them.", maps.senders(mailhost)),
        "helo_access": maps.table("Names that no client has.", maps.own_names(mailhost)),
    }
    contents |= relaying_tables(mailhost) | inner_tables(mailhost) | forwarding_tables(mailhost)
    if mailhost.blocklists:
        contents["always_reached"] = maps.table("Reached from block lists too.", maps.always_reached(mailhost))
    if mailhost.allow.submission:
        contents["submission_access"] = maps.submission_access(mailhost)
    return tuple(
        HostFile(f"/etc/postfix/{name}", content, mode=0o640, group="postfix") for name, content in contents.items()
    )


def forwarding_tables(mailhost: MailHost) -> dict[str, str]:
    if not mailhost.forwards:
        return {}
    reason = "Where mail may be forwarded to."
    destinations = maps.table(reason, maps.forward_destinations(mailhost))
    return {"forward_destinations": destinations, "srs_addresses": maps.srs_addresses(mailhost)}


def programs(mailhost: MailHost) -> tuple[HostFile, ...]:
    return tuple(HostFile(path, render(path, mailhost), mode=0o755) for path in PROGRAMS)


def ports(mailhost: MailHost) -> tuple[Port, ...]:
    """Sources are counted here as in main.cf, so that IPv6 sources are counted by network on Debian 12 too.

    Twice as many at once as Postfix grants one address: it refuses first, in words (421), and this is for its /64.
    """
    limits = mailhost.limits
    listed = mailhost.sources("submission")
    submission = Port(465, "submission by users, TLS from the first byte", sources=listed)
    submission = submission.limited_to(limits.client_connections_per_minute, 2 * limits.submission_parallel)
    strangers = Port(
        25,
        "mail from other servers",
        per_minute=limits.smtp_connections_per_minute,
        parallel=2 * limits.smtp_parallel,
    )
    users = (submission, dataclasses.replace(submission, number=587, reason="submission by users, STARTTLS"))
    return (
        *((strangers,) if mailhost.is_mx else ()),
        *(users if mailhost.is_submission else ()),
        *machine_ports(mailhost),
        *inner_ports(mailhost),
    )


def checks(mailhost: MailHost) -> tuple[Check, ...]:
    """From cheap to dear. `postfix check` alone accepts a misspelt restriction and a missing table."""
    return (
        Check("postconf -n >/dev/null", silent=True),
        Check("postconf -M >/dev/null", silent=True),
        *inner_checks(mailhost),
        *lookups(mailhost),
        *store_checks(mailhost),
        Check(f"python3 {PROGRAMS[0]} {conversation(mailhost)}", silent=True),
    )


def lookups(mailhost: MailHost) -> tuple[Check, ...]:
    """Each table is asked for a key that it holds and for one that it does not."""
    tables = {
        "recipients": maps.recipients(mailhost),
        "aliases": maps.aliases(mailhost),
        "senders": maps.senders(mailhost),
        "helo_access": maps.own_names(mailhost),
    }
    if mailhost.has_machines:
        tables["client_certificates"] = maps.client_certificates(mailhost)
    found: list[Check] = []
    for name, rows in tables.items():
        path = f"texthash:/etc/postfix/{name}"
        if rows:
            found.append(Check(f"postmap -q {shlex.quote(next(iter(rows)))} {path} >/dev/null", silent=True))
        found.append(Check(f"! postmap -q {NOBODY}@{mailhost.main_domain} {path}", silent=True))
    if mailhost.allow.submission and mailhost.is_submission:
        access = "cidr:/etc/postfix/submission_access"
        inside = f"postmap -q {first_address(mailhost.allow.submission)} {access}"
        found.append(Check(f'test "$({inside})" = DUNNO && postmap -q 0.0.0.1 {access} | grep -q REJECT', silent=True))
    return tuple(found)


def conversation(mailhost: MailHost) -> str:
    """For the trial: a recipient that is unknown, one elsewhere, some that exist, and an account that logs in."""
    # At a store, which the trial cannot reach, nobody is known to be unknown.
    unknown = f"{NOBODY}@{mailhost.name if mailhost.main_domain in mailhost.stored_domains else mailhost.main_domain}"
    accounts = list(maps.recipients(mailhost))[:1]
    known = [f"postmaster@{mailhost.name}", *list(maps.aliases(mailhost))[:1], *accounts]
    login = ["--login", *accounts] if accounts else []
    inner = inner_ports(mailhost)
    inside = ["--from", first_address(mailhost.allow.submission)] if mailhost.allow.submission else []
    whole = mailhost.is_mx and mailhost.is_submission and not mailhost.inner
    doors = [] if whole else ["--ports", ",".join((*mailhost.smtp_ports, *(str(each.number) for each in inner)))]
    return shlex.join([unknown, "somebody@relay.invalid", *known, *login, *inside, *doors])


def first_address(networks: tuple[str, ...]) -> str:
    """Some address of an allowlist, for the trial to come from."""
    return str(next(iter(ipaddress.ip_network(networks[0]).hosts())))
