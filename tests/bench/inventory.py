"""Many mail hosts in the test network, clones of mx1: each with a domain of its own below example.org.

IRONPOST_BENCH_HOSTS says how many. They have no pointers, which DNS-02 and TLC-09 rightly find.
"""

import os

from ironpost.fleet import fleet
from ironpost.lab import Lab
from ironpost.lab.people import password_file, users_file
from ironpost.mailhost import Domain, MailHost
from ironpost.secret import Secret
from ironpost.settings import Allow, CertificateFiles, ProbeLogin, Rfc2136, Ssh, TsigKey, VantagePoint

_lab = Lab.current()
_clones = [host for host in _lab.hosts if host.role == "bare" and host.release == "trixie"]
_clones = _clones[: int(os.environ.get("IRONPOST_BENCH_HOSTS", "50"))]
_users = str(users_file(_lab.directory, "example.org"))
_password = Secret.file(password_file(_lab.directory, "alice@example.org"))


def _ssh(name: str) -> Ssh:
    host = _lab.host(name)
    return Ssh(user=host.ssh_user, address=host.ipv4, key=str(_lab.ssh_key), known_hosts=str(_lab.known_hosts))


def _updates() -> Rfc2136:
    key = _lab.tsig("example.org")
    return Rfc2136(
        primary=_lab.name_servers[0],
        servers=_lab.name_servers,
        key=TsigKey(name=key.name, algorithm=key.algorithm, secret=Secret.file(key.secret_file)),
    )


def _mailhost(number: int, name: str) -> MailHost:
    host, domain = _lab.host(name), f"d{number}.example.org"
    fqdn = f"mx.{domain}"
    chain, key = _lab.certificate(fqdn)
    _, next_key = _lab.next_certificate(fqdn)
    return MailHost(
        name=fqdn,
        release=host.release,
        tls="modern",
        ipv4=host.ipv4,
        ipv6=host.ipv6,
        ssh=_ssh(name),
        ssh_keys=[_lab.ssh_key.with_suffix(".pub").read_text()],
        admin=f"alice@{domain}",
        domains=[Domain(name=domain, users=_users, dns=_updates(), sends_already=False, forward_to=["example.net"])],
        certificate=CertificateFiles(chain=str(chain), key=Secret.file(key), next_key=Secret.file(next_key)),
        allow=Allow(ssh=_lab.controller),
        certificate_authorities=["authority.example"],
        probe=ProbeLogin(address=f"alice@{domain}", password=_password, authority=str(_lab.root_certificate)),
    )


mail = fleet(
    *(_mailhost(number, host.name) for number, host in enumerate(_clones, 1)),
    vantage_points=[VantagePoint(ssh=_ssh("stranger"))],
    resolvers=[_lab.resolver],
)
