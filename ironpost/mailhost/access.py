"""Doors: who may come in, and what the firewall opens."""

from __future__ import annotations

import functools
import ipaddress
from dataclasses import dataclass
from typing import Literal, Self

from ironpost.accounts import Account
from ironpost.component import Port
from ironpost.mailhost.openid import OPENID_USER, OpenIdValues
from ironpost.settings import Acme, Database, Directory

SSH_KEYS = "/etc/ssh/ironpost_keys"
# What Dovecot calls the services that allowlists name.
LOGINS = {"smtp": "submission", "imap": "imap", "pop3": "pop3", "sieve": "managesieve"}


@dataclass(frozen=True)
class Allowlist:
    """The networks of one service as the firewall has them: sets `name_v4` and `name_v6`."""

    name: str
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]


@dataclass(frozen=True)
class Departure:
    """What one user of the system may connect to elsewhere: ports of TCP and of UDP."""

    user: str
    tcp: tuple[int, ...]
    reason: str
    udp: tuple[int, ...] = ()


class DoorsValues(OpenIdValues):
    """Doors: who may come in, and what the firewall opens."""

    @property
    def root_login(self) -> Literal["prohibit-password", "no"]:
        """sshd_config(5) PermitRootLogin: root comes in with a key where the controller does, else not at all."""
        return "prohibit-password" if self.ssh.user == "root" else "no"

    @property
    def ssh_keys_file(self) -> str:
        """Where sshd finds the keys of the inventory: not in a home, whose owner could add to them."""
        return f"{SSH_KEYS}/{self.ssh.user}"

    @property
    def allowlists(self) -> tuple[Allowlist, ...]:
        """The operators', which is there even when it is empty, each other that was written, and the fleet's own."""
        names = ["ssh", *(name for name in LOGINS.values() if getattr(self.allow, name))]
        found = tuple(allowlist(name, getattr(self.allow, name)) for name in names)
        return (*found, allowlist("fleet", self.fleet_addresses)) if self.inner else found

    @property
    def operators(self) -> Allowlist:
        return self.allowlists[0]

    @property
    def departures(self) -> tuple[Departure, ...]:
        """All that has work elsewhere, where the inventory lets nothing else out; empty where it lets out anything."""
        if self.outgoing == "any":
            return ()
        relays = {smarthost.port for smarthost in self.smarthosts}
        found = [
            Departure("postfix", tuple(sorted({25, 465, 587} | relays)), "mail"),
            Departure("unbound", (53,), "names", udp=(53,)),
            Departure("systemd-timesync", (), "the time", udp=(123,)),
            Departure("_apt", (80, 443), "packages"),
        ]
        if self.sends:  # elsewhere there is no such user, and nft(8) takes no rule about one
            found.append(Departure("_mta-sts", (443,), "MTA-STS policies of others"))
        if isinstance(self.certificate, Acme):
            found.append(Departure("root", (53, 80, 443), "certificates", udp=(53,)))
        if self.asks_outside and self.has_filter:
            found.append(Departure("_rspamd", (53, 80, 443), "services that the inventory names", udp=(53, 11335)))
        if self.has_openid:
            ports = sorted({provider.port for provider in self.providers.values()})
            found.append(Departure(OPENID_USER, tuple(ports), "keys of the OpenID provider"))
        return tuple(found)

    @property
    def store_ports(self) -> tuple[int, ...]:
        """Where accounts are asked for elsewhere: by Dovecot, Postfix and what counts logins."""
        return tuple(sorted({each.users.port for each in self.domains if isinstance(each.users, Directory | Database)}))

    @property
    def never_banned(self) -> Allowlist:
        """All allowlists and the mail hosts of the fleet: whoever is in there is no stranger."""
        listed = [network for name in ("ssh", *LOGINS.values()) for network in getattr(self.allow, name)]
        return allowlist("never", (*listed, *self.fleet_addresses))

    @property
    def fleet_names(self) -> tuple[str, ...]:
        """Of all mail hosts of the fleet, this one included."""
        return tuple(dict.fromkeys((self.name, *self._fleet_names)))

    @property
    def fleet_addresses(self) -> tuple[str, ...]:
        """Of all mail hosts of the fleet, this one included."""
        return tuple(dict.fromkeys((*self.addresses, *self._fleet_addresses)))

    @property
    def restricts_logins(self) -> bool:
        """Who may log in from where, or at all, differs between the services."""
        return self.splits_logins or any(getattr(self.allow, name) for name in LOGINS.values())

    @property
    def login_ports(self) -> tuple[str, ...]:
        """Where a password is asked for."""
        clear = {"imap": "143", "pop3": "110", "managesieve": "4190"}
        found = [*(("465", "587") if self.is_submission else ()), *(("993", "995") if self.is_mailbox else ())]
        return (*found, *(clear[name] for name in self.cleartext_ports))

    def sources(self, service: str) -> tuple[str, ...]:
        """The allowlist that a port of this service is open to; none means everyone."""
        return (service,) if getattr(self.allow, service) else ()

    def networks_of(self, account: Account, service: str) -> tuple[str, ...]:
        """Where this account may log in from with a service of Dovecot's naming: inside its own networks and the
        service's allowlist. Empty means anywhere; lists that have nothing in common leave 0.0.0.0/32, which is nowhere.
        """
        allowed = getattr(self.allow, LOGINS[service])
        if not account.networks or not allowed:
            return tuple(account.networks or allowed)
        return common(account.networks, allowed) or ("0.0.0.0/32",)

    @property
    def open_ports(self) -> tuple[Port, ...]:
        """The doors of all components, besides SSH; only the firewall's mail host knows them."""
        return self._open_ports

    def with_open_ports(self, ports: tuple[Port, ...]) -> Self:
        """The same mail host, knowing which ports its components open."""
        copy = self.model_copy()
        copy._open_ports = ports
        return copy


def allowlist(name: str, networks: tuple[str, ...]) -> Allowlist:
    named = tuple(sorted(networks))  # so that all hosts of a fleet, each naming itself first, ask for the same
    return Allowlist(name, merged(named, 4), merged(named, 6))


@functools.lru_cache(maxsize=512)
def merged(networks: tuple[str, ...], version: int) -> tuple[str, ...]:
    """The networks of one IP version, in order, without overlaps, which nft refuses in sets of intervals."""
    found = [ipaddress.ip_network(network) for network in networks]
    if version == 4:
        return tuple(str(net) for net in ipaddress.collapse_addresses(n for n in found if n.version == 4))
    return tuple(str(net) for net in ipaddress.collapse_addresses(n for n in found if n.version == 6))


def common(some: tuple[str, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    """What two lists share: of two networks that overlap, one lies in the other."""
    pairs = [(ipaddress.ip_network(one), ipaddress.ip_network(other)) for one in some for other in others]
    shared = [
        max(one, other, key=lambda net: net.prefixlen)
        for one, other in pairs
        if one.version == other.version and one.overlaps(other)
    ]
    return tuple(dict.fromkeys(str(net) for net in shared))
