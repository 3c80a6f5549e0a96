"""What Postfix is told of machines that send through it, and of hosts that it sends through."""

from __future__ import annotations

from ironpost.component import HostFile, Port
from ironpost.components import postfix_maps as maps
from ironpost.mailhost import MailHost

CLIENT_AUTHORITY = "/etc/ssl/ironpost/clients.pem"


def relaying_tables(mailhost: MailHost) -> dict[str, str]:
    """The tables that the settings ask for, by name."""
    found = {}
    if mailhost.has_machines:
        certificates, addresses = maps.client_certificates(mailhost), maps.relay_clients(mailhost)
        found["client_certificates"] = maps.table("Client certificates, and what holds for each.", certificates)
        found["relay_clients"] = maps.table("Machines by address, and what holds for each.", addresses)
    if mailhost.smarthosts:
        found["smarthosts"] = maps.table("Sender domains, and who takes their mail on.", maps.smarthosts(mailhost))
        found["smarthost_tls"] = maps.table("What TLS with each must be.", maps.smarthost_tls(mailhost))
    return found


def relaying_files(mailhost: MailHost) -> tuple[HostFile, ...]:
    """Authorities, and a file for each login, which holds nothing else."""
    files = []
    if mailhost.client_certificates:
        files.append(HostFile(CLIENT_AUTHORITY, mailhost.file(mailhost.client_certificates.authority).read_text()))
    for route in mailhost.routes:
        host = route.smarthost
        if host.authority:
            files.append(HostFile(route.authority_file, mailhost.file(host.authority).read_text()))
        if host.password:
            login = mailhost.secret(host.password).after(f"{route.nexthop} {host.user}:")
            files.append(HostFile(route.login_file, login, mode=0o640, group="postfix"))
    return tuple(files)


def machine_ports(mailhost: MailHost) -> tuple[Port, ...]:
    """Open to everyone: a certificate or an address decides, whatever the allowlist of people says."""
    limits = mailhost.limits
    reasons = {
        mailhost.certificate_port: "submission with a client certificate, TLS from the first byte",
        mailhost.relay_port: "submission by machines known by address",
    }
    return tuple(
        Port(number, reason).limited_to(limits.client_connections_per_minute, 2 * limits.submission_parallel)
        for number, reason in reasons.items()
        if number
    )
