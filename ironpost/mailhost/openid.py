"""Domains whose people log in with access tokens: what Dovecot, Postfix and the firewall are told of it."""

from __future__ import annotations

from typing import Literal

from ironpost.accounts import Account
from ironpost.mailhost.roles import RoleValues
from ironpost.settings import OpenId

OPENID_USER = "ironpost-openid"
# Below 1024, so that no user of the host can listen in its place while it is away; IANA has nobody there.
OPENID_PORT = 915


class OpenIdValues(RoleValues):
    """Domains whose people log in with access tokens."""

    @property
    def providers(self) -> dict[str, OpenId]:
        """Domain → its provider, on a host where people log in."""
        if not self.has_dovecot:
            return {}
        return {domain.name: domain.openid for domain in self.domains if domain.openid}

    @property
    def has_openid(self) -> bool:
        return bool(self.providers)

    @property
    def openid_port(self) -> int:
        """Where Dovecot asks about a token, on loopback."""
        return OPENID_PORT

    @property
    def openid_configuration(self) -> str:
        """What a client whose token was refused is told (RFC 7628 §3.2.2); nothing where providers differ."""
        urls = {provider.configuration_url for provider in self.providers.values()}
        return urls.pop() if len(urls) == 1 else ""

    @property
    def takes_passwords(self) -> bool:
        """Whether any account of any domain has a password that opens something."""
        return any(not domain.openid or domain.openid.passwords != "none" for domain in self.domains)

    @property
    def mechanisms(self) -> str:
        """Dovecot's auth_mechanisms."""
        names = ["plain login"] * self.takes_passwords + ["oauthbearer xoauth2"] * self.has_openid
        return " ".join(names)

    def passwords_of(self, account: Account) -> Literal["all", "app", "none"]:
        """Which passwords open the mail ports for an account."""
        found = self.providers.get(account.domain)
        return found.passwords if found else "all"
