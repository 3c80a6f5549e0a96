"""Whose mail goes on to elsewhere, and what the programs on the way are told of it."""

from __future__ import annotations

import re

from ironpost.accounts import Account
from ironpost.mailhost.roles import RoleValues

# On loopback alone: where Dovecot hands over what is forwarded, and where postsrsd answers.
FORWARD_PORT = 4527
SRS_FORWARD_PORT = 10001
SRS_REVERSE_PORT = 10002
# What Postfix tells rspamd in the place of a login. No account has such a name: each of theirs has an @.
FORWARD_USER = "sieve"
# The header by which rspamd keeps a letter from being forwarded.
KEPT_HEADER = "X-Not-Forwarded"
# So many seals of others may be there for one of ours to be added. The arc module of rspamd 3.4 reads the headers of a
# longer chain in the wrong order (its own is then invalid); 50 is the most that RFC 8617 §4.2.1 has.
LONGEST_CHAIN = {"bookworm": 1, "trixie": 49}


class ForwardingValues(RoleValues):
    """Whose mail goes on to elsewhere, and what the programs on the way are told of it."""

    @property
    def forwarders(self) -> tuple[Account, ...]:
        """The accounts with a mailbox here whose mail goes on to elsewhere."""
        return tuple(account for account in self.residents if account.forward)

    @property
    def forwards(self) -> bool:
        """Mail goes from here to elsewhere by the word of the inventory."""
        return bool(self.forwarders)

    @property
    def forward_destinations(self) -> tuple[str, ...]:
        return tuple(sorted({address for account in self.forwarders for address in account.forward}))

    @property
    def marks_forgeries(self) -> bool:
        """It judges mail that may be forwarded, here or on another host of the fleet."""
        return self.is_mx and any(account.forward for account in self.accounts)

    @property
    def own_names(self) -> tuple[str, ...]:
        """Names whose owner a letter from here speaks for, as others read SPF and DMARC."""
        return tuple(dict.fromkeys((*self.domain_names, self.name, *self._fleet_names)))

    @property
    def kept_header(self) -> str:
        return KEPT_HEADER

    @property
    def forward_user(self) -> str:
        return FORWARD_USER

    @property
    def longest_chain(self) -> int:
        return LONGEST_CHAIN[self.release]

    @property
    def forward_port(self) -> int:
        return FORWARD_PORT

    @property
    def srs_forward_port(self) -> int:
        return SRS_FORWARD_PORT

    @property
    def srs_reverse_port(self) -> int:
        return SRS_REVERSE_PORT

    @property
    def srs_domain(self) -> str:
        """The host's own name: bounces come back to the host that has the secret, whichever hosts the domain has."""
        return self.name

    @property
    def srs_domain_as_regexp(self) -> str:
        return re.escape(self.srs_domain)

    @property
    def forward_message_bytes(self) -> int:
        """Room for the headers that were added here: what was taken must not be too large to be forwarded."""
        return self.limits.message_bytes + 1024 * 1024
