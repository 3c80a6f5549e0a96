"""Two hosts of both releases that send for the same domain, with low limits: what test_fleet_counts.py deploys."""

from ironpost.fleet import fleet
from ironpost.lab import Lab
from ironpost.lab.people import password_file, users_file
from ironpost.mailhost import Domain, MailHost
from ironpost.secret import Secret
from ironpost.settings import Allow, CertificateFiles, Inner, Limits, ProbeLogin, Ssh, VantagePoint

_lab = Lab.current()
_ADMIN = "alice@example.org"


def _ssh(name: str) -> Ssh:
    host = _lab.host(name)
    return Ssh(user=host.ssh_user, address=host.ipv4, key=str(_lab.ssh_key), known_hosts=str(_lab.known_hosts))


def _mailhost(name: str) -> MailHost:
    host = _lab.host(name)
    chain, key = _lab.certificate(host.fqdn)
    inner_chain, inner_key = _lab.fleet_certificate(host.fqdn)
    return MailHost(
        name=host.fqdn,
        release=host.release,
        tls="intermediate",
        ipv4=host.ipv4,
        ipv6=host.ipv6,
        ssh=_ssh(name),
        ssh_keys=(_lab.ssh_key.with_suffix(".pub").read_text(),),
        admin=_ADMIN,
        domains=(
            Domain(
                name="example.org", users=str(users_file(_lab.directory, "example.org")), forward_to=("example.net",)
            ),
        ),
        certificate=CertificateFiles(chain=str(chain), key=Secret.file(key)),
        inner=Inner(
            authority=str(_lab.fleet_authority.root_certificate), chain=str(inner_chain), key=Secret.file(inner_key)
        ),
        allow=Allow(ssh=_lab.controller),
        # mx1 lets nothing out but what it needs to: counting together is among it
        outgoing="needed" if name == "mx1" else "any",
        limits=Limits(recipients_per_hour=10, recipients_per_day=20, first_time_per_day=4, first_time_watched_days=0),
        probe=ProbeLogin(
            address=_ADMIN,
            password=Secret.file(password_file(_lab.directory, _ADMIN)),
            authority=str(_lab.root_certificate),
        ),
    )


mail = fleet(
    _mailhost("mx1"), _mailhost("mx2"), vantage_points=[VantagePoint(ssh=_ssh("stranger"))], resolvers=[_lab.resolver]
)
