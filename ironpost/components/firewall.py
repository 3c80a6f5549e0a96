"""nftables: closed, but for SSH and the ports that the other components ask for."""

from __future__ import annotations

from ironpost.component import Check, Component, HostFile, Port, Unit
from ironpost.mailhost import MailHost
from ironpost.render import render

RULES = "/etc/nftables.conf"
CLOSED = "/etc/ironpost/closed.nft"
UNIT_FILES = (
    "/etc/systemd/system/ironpost-closed.service",
    "/etc/systemd/system/nftables.service.d/ironpost.conf",
)


def firewall(mailhost: MailHost, ports: tuple[Port, ...]) -> Component:
    """The rules of this host, with one accept for each of `ports`."""
    opened = mailhost.with_open_ports(ports)
    return Component(
        name="firewall",
        packages=("nftables",),
        files=tuple(HostFile(path, render(path, opened)) for path in (RULES, CLOSED, *UNIT_FILES)),
        units=(Unit("nftables.service", reload_on=(RULES,)),),
        checks=(Check(f"nft -c -f {CLOSED}"), Check(f"nft -c -f {RULES}")),
        probes=("nft list chain inet ironpost input | grep -q 'policy drop'",),
    )


def closed_ruleset(mailhost: MailHost) -> str:
    """The first firewall of a bare host, for `nft -f -`: SSH from the allowlist and nothing else."""
    return render(CLOSED, mailhost)
