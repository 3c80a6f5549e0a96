"""Who may come in, and how much of it."""

from __future__ import annotations

import datetime
import ipaddress
from typing import Annotated

from pydantic import Field, model_validator

from ironpost.settings.block import Setting
from ironpost.settings.words import Network, Networks

# ALLOW-04: what is wider is rather a whole provider than an office.
NARROWEST = {4: 24, 6: 48}
# Limits of which the second would never be reached, or the first never be of use.
SMALLER = (
    ("recipients_per_hour", "recipients_per_day"),
    ("first_time_per_day", "recipients_per_day"),
    ("bounce_queue_days", "queue_days"),
)
SERVICES = ("ssh", "submission", "imap", "pop3", "managesieve")


class Granted(Setting):
    """Why a network stands in an allowlist, who answers for it, and until when."""

    network: Network
    reason: Annotated[str, Field(min_length=5)]
    owner: Annotated[str, Field(min_length=2)]
    until: datetime.date


class Allow(Setting):
    """Who may reach a service at all, as networks. An empty list means everyone; SSH has keys only then, and a rate.

    One list feeds the firewall, Postfix and Dovecot. A network wider than /24 or /48 stands in `wide` too: it is meant.
    `granted` says why a network is there, and until when; one whose day has passed is a finding (ALLOW-03).
    """

    ssh: Networks = ()
    submission: Networks = ()
    imap: Networks = ()
    pop3: Networks = ()
    managesieve: Networks = ()
    wide: Networks = ()
    granted: tuple[Granted, ...] = ()

    @model_validator(mode="after")
    def _lists_are_narrow_and_disjoint(self) -> Allow:
        if self._mistakes:
            return self
        found = [mistake for name in SERVICES for mistake in list_mistakes(name, getattr(self, name), self.wide)]
        found += [
            f"wide: {network} stands in no list; remove it"
            for network in self.wide
            if not any(network in getattr(self, name) for name in SERVICES)
        ]
        found += [
            f"granted: {each.network} stands in no list; remove it"
            for each in self.granted
            if not each.mistakes and not any(each.network in getattr(self, name) for name in SERVICES)
        ]
        if found:
            raise ValueError("; and ".join(found))
        return self


def list_mistakes(name: str, networks: tuple[str, ...], wide: tuple[str, ...] = ()) -> list[str]:
    """What is wrong with one allowlist as a whole."""
    nets = [ipaddress.ip_network(network) for network in networks]
    found = [mistake for net in nets for mistake in network_mistakes(name, net, wide)]
    for number, net in enumerate(nets):
        for other in nets[number + 1 :]:
            if net.version == other.version and net.overlaps(other):
                found.append(f"{name}: {net} and {other} overlap; keep the wider one")
    return found


def network_mistakes(name: str, net: ipaddress.IPv4Network | ipaddress.IPv6Network, wide: tuple[str, ...]) -> list[str]:
    if isinstance(net, ipaddress.IPv6Network) and net.network_address.ipv4_mapped:
        return [f"{name}: {net} is IPv4 in the form of IPv6; write it as IPv4"]
    if net.prefixlen == 0:
        return [f"{name}: {net} is everyone; leave the list empty if that is meant"]
    if net.prefixlen < NARROWEST[net.version] and str(net) not in wide:
        least = NARROWEST[net.version]
        return [f'{name}: {net} is wider than /{least}; narrow it, or add wide=["{net}"] if that is meant']
    return []


class Limits(Setting):
    """What one client or account may do; units in the names, reasons in docs/operating.md."""

    message_bytes: Annotated[int, Field(ge=1_000_000, le=1_000_000_000)] = 50 * 1024 * 1024
    smtp_connections_per_minute: Annotated[int, Field(ge=150)] = 200
    smtp_parallel: Annotated[int, Field(ge=10)] = 20
    client_connections_per_minute: Annotated[int, Field(ge=150)] = 200
    auth_per_minute: Annotated[int, Field(ge=5)] = 60
    submission_parallel: Annotated[int, Field(ge=5)] = 20
    imap_parallel_per_user: Annotated[int, Field(ge=5)] = 50
    recipients_per_hour: Annotated[int, Field(ge=1)] = 500
    recipients_per_day: Annotated[int, Field(ge=1)] = 2000
    first_time_per_day: Annotated[int, Field(ge=1)] = 200
    first_time_watched_days: Annotated[int, Field(ge=0, le=365)] = 30
    queue_days: Annotated[int, Field(ge=1, le=5)] = 5
    bounce_queue_days: Annotated[int, Field(ge=1, le=5)] = 2
    mailbox_bytes: Annotated[int, Field(ge=10_000_000)] = 5 * 1024**3

    @model_validator(mode="after")
    def _fit_each_other(self) -> Limits:
        if self._mistakes:
            return self
        for less, more in SMALLER:
            if getattr(self, less) > getattr(self, more):
                raise ValueError(
                    f"{less} is {getattr(self, less)}, more than {more}, {getattr(self, more)}; correct one of them"
                )
        return self
