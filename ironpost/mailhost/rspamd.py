"""What rspamd's files say."""

from __future__ import annotations

from ironpost.mailhost.said import HostSettings


class RspamdValues(HostSettings):
    """What rspamd's files say."""

    @property
    def dmarc_strict(self) -> bool:
        """Whatever fails a policy of quarantine or reject is refused, lists and forwarders included."""
        return self.dmarc_inbound == "strict"
