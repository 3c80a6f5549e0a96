"""Certificates of clients: who may be known by one."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.relay import fleet_services
from ironpost.controls.tls import REDEPLOY, listed
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

PRIVATE = "/etc/ssl/ironpost/clients.pem"
BY_AUTHORITY = "permit_tls_all_clientcerts"  # whoever any believed authority has signed
LISTS = ("client", "helo", "sender", "relay", "recipient", "data", "end_of_data")

FLEET = "/etc/ssl/ironpost/fleet-authority.pem"


@control(
    "CRT-08",
    claim="A client certificate opens something on its own port only, by its fingerprint, and from a private authority",
    reference="RFC 5280 §4.2.1.12; postconf(5) permit_tls_all_clientcerts, smtpd_tls_req_ccert",
    severity="high",
    cost="passive",
)
class PublicAuthoritiesOpenNothing:
    """Anybody gets a certificate of a public authority, and they are for servers: clients get none any more."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        port = mailhost.client_certificates.port if mailhost.client_certificates else 0
        return holds_unless(
            (*opened(snapshot, f"{port}/inet", set(fleet_services(mailhost))), *inner(mailhost, snapshot)),
            remedy=REDEPLOY,
        )


def inner(mailhost: MailHost, snapshot: Snapshot) -> Iterator[str]:
    """The doors between the hosts of a fleet let in whoever has a certificate of its own authority, and nobody else."""
    for name in fleet_services(mailhost):
        settings = snapshot.postfix.service(name)
        if settings["smtpd_tls_req_ccert"] != "yes":
            yield f"{name} takes mail without a certificate"
        if settings["smtpd_tls_CAfile"] != FLEET or settings["smtpd_tls_CApath"]:
            yield f"{name} believes {settings['smtpd_tls_CAfile'] or settings['smtpd_tls_CApath'] or 'nobody'}"
        if settings["tls_append_default_CA"] != "no":
            yield f"{name} believes the system's authorities besides"


def opened(snapshot: Snapshot, own: str, inside: set[str]) -> Iterator[str]:
    for name in sorted(set(snapshot.postfix.smtpd_services) - inside):
        settings = snapshot.postfix.service(name)
        for kind in LISTS:
            if BY_AUTHORITY in listed(settings[f"smtpd_{kind}_restrictions"]):
                yield f"{name} lets in whoever has a certificate of an authority"
        if settings["relay_clientcerts"]:
            yield f"{name} relays for relay_clientcerts = {settings['relay_clientcerts']}"
        asks = "yes" in (settings["smtpd_tls_ask_ccert"], settings["smtpd_tls_req_ccert"])
        if name != own:
            if asks:
                yield f"{name} asks for client certificates"
        elif settings["smtpd_tls_req_ccert"] != "yes":
            yield f"{name} takes mail without a certificate"
        elif settings["smtpd_tls_CAfile"] != PRIVATE or settings["smtpd_tls_CApath"]:
            yield f"{name} believes {settings['smtpd_tls_CAfile'] or settings['smtpd_tls_CApath'] or 'nobody'}"
        elif settings["tls_append_default_CA"] != "no":
            yield f"{name} believes the system's authorities besides"
