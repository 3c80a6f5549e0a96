"""Eight mail hosts that divide their roles, for three domains, in the test network: `ironpost lab up --fleet`.

pyinfra inventories/fleet.py deploys/mail.py -y
"""

from typing import Any

from ironpost.fleet import fleet
from ironpost.lab import Lab
from ironpost.lab.people import password_file, users_file
from ironpost.mailhost import Domain, MailHost
from ironpost.secret import Secret
from ironpost.settings import (
    Allow,
    CertificateFiles,
    ClientCertificates,
    Inner,
    ProbeLogin,
    RelayClient,
    Rfc2136,
    Ssh,
    TsigKey,
    VantagePoint,
    Waves,
)

_lab = Lab.current()
_DOMAINS = "example.org", "example.com", "fleet.example"
# Whose mailbox `ironpost verify` reads, by the domain that the host is called in.
_PROBE = {"example.org": "alice@example.org", "example.com": "dave@example.com", "fleet.example": "fay@fleet.example"}
# The others have theirs on the first host with mailboxes.
_HOMES = {"anna": "box2.example.com", "dave": "box2.example.com", "finn": "whole.fleet.example"}


def _ssh(name: str) -> Ssh:
    host = _lab.host(name)
    return Ssh(user=host.ssh_user, address=host.ipv4, key=str(_lab.ssh_key), known_hosts=str(_lab.known_hosts))


def _updates(domain: str) -> Rfc2136:
    key = _lab.tsig(domain)
    return Rfc2136(
        primary=_lab.name_servers[0],
        servers=_lab.name_servers,
        key=TsigKey(name=key.name, algorithm=key.algorithm, secret=Secret.file(key.secret_file)),
    )


def _domain(name: str) -> Domain:
    users = users_file(_lab.directory, name, _HOMES)
    return Domain(name=name, users=str(users), dns=_updates(name), sends_already=False, mta_sts="testing")


def _mailhost(name: str, *roles: str, domains: tuple[str, ...] = _DOMAINS, **more: Any) -> MailHost:
    host = _lab.host(name)
    home = host.fqdn.partition(".")[2]
    chain, key = _lab.certificate(host.fqdn, tuple(f"mta-sts.{each}" for each in domains) if "mx" in roles else ())
    inner_chain, inner_key = _lab.fleet_certificate(host.fqdn)
    return MailHost(
        name=host.fqdn,
        release=host.release,
        roles=roles,
        tls="intermediate",
        ipv4=host.ipv4,
        ipv6=host.ipv6,
        ssh=_ssh(name),
        ssh_keys=[_lab.ssh_key.with_suffix(".pub").read_text()],
        admin="alice@example.org",
        domains=[_domain(each) for each in domains],
        certificate=CertificateFiles(
            chain=str(chain), key=Secret.file(key), next_key=Secret.file(_lab.next_certificate(host.fqdn)[1])
        ),
        inner=Inner(
            authority=str(_lab.fleet_authority.root_certificate), chain=str(inner_chain), key=Secret.file(inner_key)
        ),
        allow=Allow(ssh=_lab.controller),
        reverse_dns=_updates(home),
        outgoing="needed",
        outgoing_check="mail.example.net",
        certificate_authorities=["authority.example"],
        probe=ProbeLogin(
            address=_PROBE[home],
            password=Secret.file(password_file(_lab.directory, _PROBE[home])),
            authority=str(_lab.root_certificate),
        ),
        **more,
    )


mail = fleet(
    # Two that take mail from the world, with no mailbox, no login and no signing key.
    _mailhost("mx1", "mx"),
    _mailhost("mx2", "mx", mx_preference=20),
    # Two that take it from users, sign it, and send it into the world for all others.
    _mailhost("out1", "submission"),
    _mailhost("out2", "submission"),
    # Two with mailboxes. Whose mailbox is where stands in the users files (host = "…").
    _mailhost("box1", "mailbox"),
    _mailhost("box2", "mailbox"),
    # One for machines.
    _mailhost(
        "relay",
        "relay",
        client_certificates=ClientCertificates(authority=str(_lab.fleet_authority.root_certificate)),
        relay_clients=[RelayClient(name="printer", domains=["fleet.example"], addresses=[_lab.host("outside").ipv4])],
    ),
    # And one that does everything, for one of the domains together with the others.
    _mailhost("whole", "mx", "submission", "mailbox", domains=("fleet.example",), mx_preference=30),
    vantage_points=[VantagePoint(ssh=_ssh("stranger"))],
    resolvers=[_lab.resolver],
    waves=Waves(canary=1, sizes=["2", "100%"]),
)
