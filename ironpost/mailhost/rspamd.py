"""What rspamd's files say."""

from __future__ import annotations

from ironpost.component import DkimSigner
from ironpost.mailhost.said import HostSettings


class RspamdValues(HostSettings):
    """What rspamd's files say."""

    @property
    def dmarc_strict(self) -> bool:
        """Whatever fails a policy of quarantine or reject is refused, lists and forwarders included."""
        return self.dmarc_inbound == "strict"

    @property
    def signers(self) -> tuple[DkimSigner, ...]:
        """Whose mail is signed, and what is said of the selectors."""
        return tuple(
            DkimSigner(domain.name, self.dkim_label(domain.name), domain.dkim.rsa, domain.dkim.ed25519)
            for domain in self.domains
        )

    def dkim_label(self, domain: str) -> str:
        """The host's word in the selectors that it makes up for a domain."""
        return self.domain(domain).dkim.label or self.short_name
