"""What rspamd's files say."""

from __future__ import annotations

from typing import get_args

from ironpost.component import DkimSigner
from ironpost.mailhost.domain import Domain
from ironpost.mailhost.roles import RoleValues
from ironpost.mailhost.said import OutsideService

OWNERS = "/var/lib/rspamd/owners"


class RspamdValues(RoleValues):
    """What rspamd's files say."""

    @property
    def outside_services_off(self) -> tuple[str, ...]:
        """Modules that would ask others, and may not; one that is named in `asks_outside` does what rspamd ships."""
        return tuple(name for name in get_args(OutsideService) if name not in self.asks_outside)

    @property
    def dmarc_strict(self) -> bool:
        """Whatever fails a policy of quarantine or reject is refused, lists and forwarders included."""
        return self.dmarc_inbound == "strict"

    @property
    def header_from_owned(self) -> bool:
        """Who logs in may write in the name of their own addresses alone, in From as in the envelope."""
        return self.header_from == "owned"

    @property
    def owners_file(self) -> str:
        return OWNERS

    @property
    def signers(self) -> tuple[DkimSigner, ...]:
        """Whose mail is signed, and what is said of the selectors. Keys are only where mail leaves."""
        return tuple(
            DkimSigner(domain.name, self.dkim_label(domain.name), domain.dkim.rsa, domain.dkim.ed25519)
            for domain in self.signed_domains
        )

    @property
    def signed_domains(self) -> tuple[Domain, ...]:
        return self.domains if self.sends else ()

    def dkim_label(self, domain: str) -> str:
        """The host's word in the selectors that it makes up for a domain."""
        return self.domain(domain).dkim.label or self.short_name
