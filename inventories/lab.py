"""The two mail hosts of the test network. IRONPOST_LAB names the network; start one with `ironpost lab up`.

pyinfra inventories/lab.py deploys/mail.py -y
"""

import datetime

from ironpost.fleet import fleet
from ironpost.lab import Lab
from ironpost.lab.people import password_file, users_file
from ironpost.mailhost import Domain, MailHost
from ironpost.secret import Secret
from ironpost.settings import Allow, CertificateFiles, Parked, ProbeLogin, Rfc2136, Ssh, TsigKey, VantagePoint, Waiver

_lab = Lab.current()
_YEAR = datetime.date.today() + datetime.timedelta(days=365)  # a test network is always a new one
_SECOND = _lab.host("mx2").fqdn
_WEB_NAMES = "mta-sts", "autoconfig", "autodiscover"


def _ssh(name: str) -> Ssh:
    host = _lab.host(name)
    return Ssh(user=host.ssh_user, address=host.ipv4, key=str(_lab.ssh_key), known_hosts=str(_lab.known_hosts))


def _updates(domain: str) -> Rfc2136:
    key = _lab.tsig(domain)
    secret = Secret.file(key.secret_file)
    return Rfc2136(
        primary=_lab.name_servers[0],
        servers=_lab.name_servers,
        key=TsigKey(name=key.name, algorithm=key.algorithm, secret=secret),
    )


def _mailhost(name: str, domain: str, admin: str, tls: str, mta_sts: str, spf: str) -> MailHost:
    host = _lab.host(name)
    chain, key = _lab.certificate(host.fqdn, tuple(f"{web}.{domain}" for web in _WEB_NAMES))
    _, next_key = _lab.next_certificate(host.fqdn)
    return MailHost(
        name=host.fqdn,
        release=host.release,
        tls=tls,
        ipv4=host.ipv4,
        ipv6=host.ipv6,
        ssh=_ssh(name),
        ssh_keys=[_lab.ssh_key.with_suffix(".pub").read_text()],
        bare_newline="reject" if name == "mx1" else "normalize",
        admin=admin,
        domains=[
            Domain(
                name=domain,
                users=str(users_file(_lab.directory, domain)),
                dns=_updates(domain),
                sends_already=False,
                mta_sts=mta_sts,
                spf=spf,
                autoconfig=True,
                forward_to=["example.net"],
            )
        ],
        certificate=CertificateFiles(chain=str(chain), key=Secret.file(key), next_key=Secret.file(next_key)),
        allow=Allow(ssh=_lab.controller),
        reverse_dns=_updates(domain),
        outgoing_check="mail.example.net",
        certificate_authorities=["authority.example"],
        probe=ProbeLogin(
            address=admin,
            password=Secret.file(password_file(_lab.directory, admin)),
            authority=str(_lab.root_certificate),
        ),
    )


def _waiver(control: str, reason: str, mailhost: str | None = None) -> Waiver:
    return Waiver(control=control, reason=reason, owner="dave@example.com", until=_YEAR, mailhost=mailhost)


mail = fleet(
    _mailhost("mx1", "example.org", "alice@example.org", tls="modern", mta_sts="enforce", spf="-all"),
    _mailhost("mx2", "example.com", "dave@example.com", tls="intermediate", mta_sts="testing", spf="~all"),
    vantage_points=[VantagePoint(ssh=_ssh("stranger"))],
    parked=[Parked(name="parked.example.org", dns=_updates("example.org"))],
    resolvers=[_lab.resolver],
    # What the profile strict asks besides. mx2 shows defaults, and how a domain begins that was somewhere else before.
    waivers=[
        _waiver(
            "DMARC-05", "relaxed alignment is the default: letters of names below a domain pass with its signature"
        ),
        _waiver("SPF-02", "~all is the default until every sender of a domain is known; mx1 shows -all", _SECOND),
        _waiver("STS-04", "a policy is tried with mode testing before it is enforced; mx1 shows enforce", _SECOND),
        _waiver("SMTP-15", "each test is a new stranger, who would wait six seconds for the greeting"),
        _waiver("AUTH-12", "the tests log in as people do who have one password"),
        _waiver("OS-05", "there is no token in which the key of the tests could live"),
        _waiver("FW-06", "tests give a host services of their own to connect to"),
        _waiver("ALLOW-03", "the controller is known to the network's plan, and leaves with the network"),
        _waiver("SMTP-03", "normalize is the default, which loses no letter; mx1 shows reject", _SECOND),
        _waiver("UPD-03", "Debian 12 is in long-term support; mx1 shows a release in regular support", _SECOND),
    ],
)
