"""Doors: who may come in over SSH, and what the firewall opens."""

from __future__ import annotations

import ipaddress
from typing import Literal, Self

from ironpost.component import Port
from ironpost.mailhost.said import HostSettings


class DoorsValues(HostSettings):
    """Doors: who may come in over SSH, and what the firewall opens."""

    @property
    def root_login(self) -> Literal["prohibit-password", "no"]:
        """sshd_config(5) PermitRootLogin: root comes in with a key where the controller does, else not at all."""
        return "prohibit-password" if self.ssh.user == "root" else "no"

    @property
    def allow_ssh_ipv4(self) -> tuple[str, ...]:
        """The IPv4 networks of the SSH allowlist; nft refuses sets whose intervals overlap, so they are merged."""
        return merged(self.allow.ssh, 4)

    @property
    def allow_ssh_ipv6(self) -> tuple[str, ...]:
        return merged(self.allow.ssh, 6)

    @property
    def open_ports(self) -> tuple[Port, ...]:
        """The doors of all components, besides SSH; only the firewall's mail host knows them."""
        return self._open_ports

    def with_open_ports(self, ports: tuple[Port, ...]) -> Self:
        """The same mail host, knowing which ports its components open."""
        copy = self.model_copy()
        copy._open_ports = ports
        return copy


def merged(networks: tuple[str, ...], version: int) -> tuple[str, ...]:
    """The networks of one IP version, in order, without overlaps."""
    found = [ipaddress.ip_network(network) for network in networks]
    if version == 4:
        return tuple(str(net) for net in ipaddress.collapse_addresses(n for n in found if n.version == 4))
    return tuple(str(net) for net in ipaddress.collapse_addresses(n for n in found if n.version == 6))
