"""What a host does in its fleet, and which of the others does what it leaves out."""

from __future__ import annotations

from ironpost.accounts import Account
from ironpost.mailhost.member import Member, RoleName
from ironpost.mailhost.said import HostSettings

# Above 1024 and none of IANA's; open to the addresses of the fleet alone.
MAILBOX_PORT = 4525
WORLD_PORT = 4526
COUNTS_PORT = 4528


class RoleValues(HostSettings):
    """What a host does in its fleet, and which of the others does what it leaves out."""

    @property
    def is_mx(self) -> bool:
        return "mx" in self.roles

    @property
    def is_submission(self) -> bool:
        return "submission" in self.roles

    @property
    def is_mailbox(self) -> bool:
        return "mailbox" in self.roles

    @property
    def is_relay(self) -> bool:
        return "relay" in self.roles

    @property
    def sends(self) -> bool:
        """Mail to the world leaves from here, signed; the other hosts hand theirs to one that sends."""
        return self.is_submission or self.is_relay

    @property
    def has_filter(self) -> bool:
        """rspamd is here: to judge what strangers bring, or to sign what leaves."""
        return self.is_mx or self.sends

    @property
    def learns(self) -> bool:
        """Users' moves into and out of Junk teach a rspamd that judges what strangers bring."""
        return self.is_mailbox and self.is_mx

    @property
    def has_dovecot(self) -> bool:
        """Of a submission host only the logins."""
        return self.is_submission or self.is_mailbox

    @property
    def takes_from_fleet(self) -> bool:
        """Other hosts bring mail for the mailboxes here."""
        return self.is_mailbox and self.inner is not None

    @property
    def sends_for_fleet(self) -> bool:
        """Other hosts bring mail for the world."""
        return self.is_submission and self.inner is not None

    def home_of(self, account: Account) -> str:
        """The host that has the mailbox: the one that the users file names, else the first one of the domain.

        Where the hosts do not know each other, each has all mailboxes of its domains.
        """
        if self.inner is None:
            return self.name
        return account.host or next(iter(self.members("mailbox", account.domain)), self.name)

    def members(self, role: RoleName, domain: str) -> tuple[str, ...]:
        """The hosts of the fleet with that role for a domain, in the order of the inventory."""
        return tuple(member.name for member in self._members if member.serves(role, (domain,)))

    @property
    def residents(self) -> tuple[Account, ...]:
        """The accounts whose mailbox is here."""
        return tuple(each for each in self.accounts if self.is_mailbox and self.home_of(each) == self.name)

    @property
    def keeps_all(self) -> bool:
        """No mailbox of its domains is elsewhere."""
        return len(self.residents) == len(self.accounts)

    @property
    def login_accounts(self) -> tuple[Account, ...]:
        """The accounts that log in here: to send all of them, to read those with a mailbox here."""
        return self.accounts if self.is_submission else self.residents

    @property
    def splits_logins(self) -> bool:
        """Some who send here do not read here: each service has a file of its own."""
        return self.is_submission and self.is_mailbox and not self.keeps_all

    @property
    def mailbox_routes(self) -> dict[str, str]:
        """Address of a mailbox on another host → where its mail is brought, as transport(5) writes it."""
        homes = {account.address: self.home_of(account) for account in self.accounts}
        return {
            address: f"fleet:[{home}]:{MAILBOX_PORT}"
            for address, home in homes.items()
            if home != self.name or not self.is_mailbox
        }

    @property
    def world_routes(self) -> str:
        """Hosts that take mail for the world, tried in this order (postconf(5) relayhost); empty for one that sends."""
        if self.sends:
            return ""
        names = [member.name for member in self._members if member.serves("submission", self.domain_names)]
        return ", ".join(f"[{name}]:{WORLD_PORT}" for name in names)

    @property
    def counts_with(self) -> tuple[Member, ...]:
        """The other hosts that send for one of its domains: what they count is added here, and the other way round."""
        if not self.sends or self.inner is None:
            return ()
        mine = frozenset(self.domain_names)
        return tuple(
            member
            for member in self._members
            if member.inner
            and member.name != self.name
            and not member.roles.isdisjoint({"submission", "relay"})
            and not member.domains.isdisjoint(mine)
        )

    @property
    def inner_message_bytes(self) -> int:
        """Room for the headers that the first host adds: what it took must not be too large for the second one."""
        return self.limits.message_bytes + 1024 * 1024

    @property
    def mailbox_port(self) -> int:
        return MAILBOX_PORT

    @property
    def world_port(self) -> int:
        return WORLD_PORT

    @property
    def counts_addresses(self) -> tuple[str, ...]:
        return tuple(address for member in self.counts_with for address in member.addresses)

    @property
    def counts_port(self) -> int:
        """Where the hosts that count together ask each other; 0 where there is no other one."""
        return COUNTS_PORT if self.counts_with else 0
