"""Looks at a mail host from outside: sends the prober to a vantage point and reads what it saw."""

from __future__ import annotations

import ipaddress
import json
import shlex
import subprocess
from typing import Any

from ironpost.compliance.bundle import BOOTSTRAP, bundle
from ironpost.compliance.exempt import SOURCES, exempted
from ironpost.compliance.vantage import Vantage
from ironpost.controls.firewall import LISTED, listed_ports
from ironpost.controls.tls import ports_of
from ironpost.errors import UnverifiableError
from ironpost.evidence.probes import Probes
from ironpost.mailhost import MailHost

SECONDS = 150
DEEP_SECONDS = 900
PROGRAM = f"python3 -c {shlex.quote(BOOTSTRAP)}"


def probe(mailhost: MailHost, vantage: Vantage, deep: bool = False) -> Probes:
    """What a stranger sees of a host. Raises UnverifiableError when the vantage point cannot tell."""
    job = {
        "name": mailhost.name,
        "addresses": mailhost.addresses,
        "domains": mailhost.domain_names,
        "policies": [domain.name for domain in mailhost.domains if domain.mta_sts and "mx" in mailhost.roles],
        "ports": sorted(set(ports_of(mailhost)) - listed_ports(mailhost)),
        "reports": report_addresses(mailhost),
        "token": forged(mailhost),
        "deep": deep,
    }
    if deep:
        return probe_all_ports(mailhost, vantage, job)
    return probed(mailhost, vantage.run(PROGRAM, bundle("prober", "job", job), SECONDS))


def probe_all_ports(mailhost: MailHost, vantage: Vantage, job: dict[str, Any]) -> Probes:
    """With every port, from an address that is exempt from the limits meanwhile; the host counts what it drops."""
    program = f"python3 -c {shlex.quote(SOURCES)} {shlex.join(mailhost.addresses)}"
    with exempted(mailhost, vantage.run(program, "", SECONDS).stdout.split()) as dropped:
        before = dropped()
        probes = probed(mailhost, vantage.run(PROGRAM, bundle("prober", "job", job), DEEP_SECONDS))
        return Probes({**probes.raw, "dropped": dropped() - before})


def probed(mailhost: MailHost, done: subprocess.CompletedProcess[str]) -> Probes:
    found = read(done.stdout, mailhost)
    if found is None:
        said = " ".join(done.stderr.split())[-200:] or f"exits {done.returncode}"
        raise UnverifiableError(f"the vantage point cannot probe ({said}); it needs sh and python3")
    probes = Probes(found)
    refuse_insiders(mailhost, [str(source) for source in probes.raw["sources"]])
    return probes


def read(printed: str, mailhost: MailHost) -> dict[str, Any] | None:
    """What the prober printed, below what a login shell may say. None unless it is whole and of this host."""
    lines = printed.strip().splitlines()
    try:
        found = json.loads(lines[-1]) if lines else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("sources"), list):
        return None
    parts = found.get("addresses")
    if not isinstance(parts, dict) or set(parts) != set(mailhost.addresses):
        return None
    return found if all(isinstance(part, dict) for part in parts.values()) else None


def report_addresses(mailhost: MailHost) -> list[str]:
    """Where reports on TLS and DMARC go, as far as that is a mailbox of this host."""
    wanted = {domain.tls_reports or mailhost.admin for domain in mailhost.domains}
    wanted |= {each for domain in mailhost.domains for each in domain.dmarc_reports or (mailhost.admin,)}
    return sorted(each for each in wanted if each.rpartition("@")[2] in mailhost.domain_names)


def forged(mailhost: MailHost) -> dict[str, str] | None:
    """What a token without a signature would have to say to open a mailbox of this host."""
    for domain, provider in mailhost.providers.items():
        for account in mailhost.login_accounts:
            if account.domain == domain and not account.disabled:
                says = {"iss": provider.issuer, "aud": provider.audience, "sub": account.address}
                says |= {provider.claim: account.address, "scope": " ".join(provider.scope)}
                says |= {"client_id": (*provider.clients, "none")[0], "acr": provider.second_factor or "none"}
                return says | {"user": account.address, "type": provider.token_type}
    return None


def refuse_insiders(mailhost: MailHost, sources: list[str]) -> None:
    """Raises UnverifiableError for evidence from a place that the host trusts: it shows too much or too little."""
    if not sources:
        raise UnverifiableError(f"{mailhost.name}: not one connection came about from the vantage point")
    for source in sources:
        address = ipaddress.ip_address(source.partition("%")[0])
        if address.is_loopback or source in mailhost.addresses:
            raise UnverifiableError(f"the vantage point {source} is the host itself; name a machine elsewhere")
        for trust, networks in trusted(mailhost).items():
            for network in networks:
                if address in ipaddress.ip_network(network):
                    raise UnverifiableError(f"the vantage point {source} is on {trust} ({network}); name a stranger")


def trusted(mailhost: MailHost) -> dict[str, tuple[str, ...]]:
    """Where the inventory trusts addresses. `mynetworks` is the host itself; one that is not is what RELAY-03 finds."""
    machines = tuple(network for client in mailhost.relay_clients for network in client.addresses)
    listed = {f"allowlist {service}": tuple(getattr(mailhost.allow, service)) for service in ("ssh", *LISTED)}
    return {**listed, "relay_clients": machines}
