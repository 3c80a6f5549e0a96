"""Four mail hosts that divide their roles. No host of these names is ever connected to."""

from typing import Any

from ironpost.fleet import fleet
from ironpost.mailhost import Domain, MailHost
from ironpost.secret import Secret
from ironpost.settings import Allow, CertificateFiles, Inner, RelayClient

# Never run: golden files hold no secret, only where it would have come from.
_unread = Secret.command(["true"])


def _mailhost(name: str, release: str, number: int, *roles: str, **more: Any) -> MailHost:
    return MailHost(
        name=f"{name}.example.info",
        release=release,
        roles=roles,
        tls="modern",
        ipv4=f"192.0.2.{number}",
        admin="ada@example.info",
        allow=Allow(ssh=["198.51.100.0/24"]),
        domains=[
            Domain(name="example.info", users="users/example.info.toml", mta_sts="testing", forward_to=["example.org"])
        ],
        certificate=CertificateFiles(chain="tls/mx1.example.org.pem", key=_unread),
        inner=Inner(authority="tls/clients.pem", chain="tls/mx1.example.org.pem", key=_unread),
        **more,
    )


mail = fleet(
    _mailhost("in", "bookworm", 41, "mx", blocklists=["bl.example.net"]),
    _mailhost(
        "out",
        "trixie",
        42,
        "submission",
        "relay",
        relay_clients=[RelayClient(name="printer", domains=["example.info"], addresses=["192.0.2.80"])],
    ),
    _mailhost("box", "bookworm", 43, "mailbox"),
    _mailhost("whole", "trixie", 44, "mx", "submission", "mailbox"),
)
