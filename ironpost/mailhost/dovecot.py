"""What dovecot.conf says in Dovecot's own words."""

from __future__ import annotations

from ironpost.mailhost.roles import RoleValues


class DovecotValues(RoleValues):
    """What dovecot.conf says in Dovecot's own words."""

    @property
    def mailbox_tls_minimum(self) -> str:
        """The oldest TLS on 993 and 995, as Dovecot writes it."""
        return "TLSv1.3" if self.tls_modern else "TLSv1.2"

    @property
    def imap_port(self) -> int:
        """Port of IMAP with STARTTLS; 0 means that it is closed."""
        return 143 if "imap" in self.cleartext_ports else 0

    @property
    def pop3_port(self) -> int:
        """Port of POP3 with STLS; 0 means that it is closed."""
        return 110 if "pop3" in self.cleartext_ports else 0

    @property
    def has_managesieve(self) -> bool:
        return "managesieve" in self.cleartext_ports

    @property
    def auth_memory_mib(self) -> int:
        """What Dovecot's login process may take: the dearest Argon2id hash of an account, and 256 MiB besides."""
        costs = [int(account.password.split("$")[3].partition(",")[0][2:]) for account in self.login_accounts]
        return 256 + max(costs, default=0) // 1024
