"""Who sends through the host without a login, and through whom it sends."""

from __future__ import annotations

import dataclasses

from ironpost.mailhost.roles import RoleValues
from ironpost.settings import RelayClient, Smarthost

RELAY_PORT = 2525


@dataclasses.dataclass(frozen=True)
class Restriction:
    """A restriction class of Postfix (RESTRICTION_CLASS_README), which a table gives to one client."""

    name: str
    rules: str
    keys: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Route:
    """A smarthost as Postfix writes it: `[name]:port`, the file with its login, and its own authority."""

    smarthost: Smarthost
    number: int

    @property
    def nexthop(self) -> str:
        return f"[{self.smarthost.host}]:{self.smarthost.port}"

    @property
    def login_file(self) -> str:
        return f"/etc/postfix/smarthost_login_{self.number}"

    @property
    def authority_file(self) -> str:
        return f"/etc/ssl/ironpost/smarthost-{self.number}.pem"


class RelayingValues(RoleValues):
    """Who sends through the host without a login, and through whom it sends."""

    @property
    def certificate_restrictions(self) -> tuple[Restriction, ...]:
        """One for each certificate: a machine may use its domains, a user only with the login beside it."""
        machines = [
            Restriction(f"machine_{number}", domains_only(client), (client.certificate,))
            for number, client in enumerate(self.relay_clients, 1)
            if client.certificate
        ]
        users = [
            Restriction(
                f"user_{number}",
                f"check_sasl_access inline:{{ {{{account.address} = with_login}} }}, reject",
                account.certificates,
            )
            for number, account in enumerate(self.accounts, 1)
            if account.certificates and not account.disabled and self.is_submission
        ]
        return (*machines, *users)

    @property
    def address_restrictions(self) -> tuple[Restriction, ...]:
        """One for each machine that is known by its address."""
        return tuple(
            Restriction(f"machine_{number}", domains_only(client), client.addresses)
            for number, client in enumerate(self.relay_clients, 1)
            if client.addresses
        )

    @property
    def restriction_classes(self) -> tuple[Restriction, ...]:
        return (*self.certificate_restrictions, *self.address_restrictions)

    @property
    def has_machines(self) -> bool:
        """There is a port for machines, or for users with a certificate."""
        return bool(self.certificate_port or self.relay_port)

    @property
    def relay_port(self) -> int:
        """Port of the machines that are known by address; 0 means that there are none."""
        return RELAY_PORT if self.address_restrictions else 0

    @property
    def certificate_port(self) -> int:
        """Port that demands a client certificate; 0 means that it is closed."""
        return self.client_certificates.port if self.client_certificates else 0

    @property
    def routes(self) -> tuple[Route, ...]:
        return tuple(Route(smarthost, number) for number, smarthost in enumerate(self.smarthosts, 1))

    @property
    def relayhost(self) -> str:
        """The smarthost for all senders that none is named for."""
        return next((route.nexthop for route in self.routes if not route.smarthost.domains), "")

    @property
    def login_maps(self) -> tuple[str, ...]:
        return tuple(f"texthash:{route.login_file}" for route in self.routes if route.smarthost.user)


def domains_only(client: RelayClient) -> str:
    allowed = " ".join(f"{{{name} = permit}}" for name in client.domains)
    return f"check_sender_access inline:{{ {allowed} }}, reject"
