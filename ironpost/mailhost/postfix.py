"""What main.cf and master.cf say in Postfix's own words."""

from __future__ import annotations

import re

from ironpost.mailhost.roles import RoleValues


class PostfixValues(RoleValues):
    """What main.cf and master.cf say in Postfix's own words."""

    @property
    def blocklist_filters(self) -> tuple[str, ...]:
        """`list=replies`, as postconf(5) reject_rbl_client has it: 127.0.0.2 and up mean "listed" (RFC 5782 §2.1)."""
        return tuple(f"{name}=127.0.0.[2..254]" for name in self.blocklists)

    @property
    def submission_tls_protocols(self) -> str:
        """Versions on 465 and 587, as postconf(5) writes them."""
        return ">=TLSv1.3" if self.tls_modern else ">=TLSv1.2"

    @property
    def postfix_domains(self) -> tuple[str, ...]:
        """The hosted domains, and the host's own name, where postmaster, abuse and root have an address too."""
        return tuple(dict.fromkeys((*self.domain_names, self.name)))

    @property
    def smtp_ports(self) -> tuple[str, ...]:
        """Where strangers and users are spoken to."""
        return (*(("25",) if self.is_mx else ()), *(("465", "587") if self.is_submission else ()))

    @property
    def queue_minfree_bytes(self) -> int:
        """Free space below which Postfix takes no mail: one and a half of the largest message, as postconf(5) asks."""
        return self.limits.message_bytes * 3 // 2

    @property
    def name_as_regexp(self) -> str:
        return re.escape(self.name)

    @property
    def sends_over_both(self) -> bool:
        """It is known by an IPv4 and by an IPv6 address."""
        return len(self.addresses) == 2

    @property
    def sending_protocol(self) -> str:
        """Of a host with one kind of address: which, as postconf(5) inet_protocols writes it."""
        return "ipv4" if self.ipv4 else "ipv6"
