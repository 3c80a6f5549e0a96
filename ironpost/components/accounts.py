"""Accounts: the one system user that owns all mail, and Dovecot's file of logins."""

from __future__ import annotations

from ironpost.accounts import Account
from ironpost.component import Component, HostDirectory, HostFile, SystemUser
from ironpost.mailhost import MailHost

USERS = "/etc/dovecot/users"
STORE = "/var/vmail"
VMAIL_ID = 5000
# What userdb(passwd-file) calls a mailbox's size in Dovecot 2.3 and 2.4; both write bytes.
QUOTA_FIELD = {
    "bookworm": "userdb_quota_rule=*:bytes={size}",
    "trixie": "userdb_quota_storage_size={size}B",
}


def accounts(mailhost: MailHost) -> Component:
    """Who has a mailbox on this host."""
    return Component(
        name="accounts",
        packages=("dovecot-core",),  # brings the group that may read the file
        files=(HostFile(USERS, users_file(mailhost), mode=0o640, group="dovecot", secret=True),),
        directories=(HostDirectory(STORE, mode=0o700, owner="vmail", group="vmail"),),
        users=(SystemUser("vmail", home=STORE, uid=VMAIL_ID),),
    )


def users_file(mailhost: MailHost) -> str:
    """A passwd-file: one row per account, in the order of the inventory."""
    return "".join(row(account, mailhost.release) + "\n" for account in mailhost.accounts)


def row(account: Account, release: str) -> str:
    """`name:hash:uid:gid:gecos:home:shell:fields`, with what is the same for all left to dovecot.conf."""
    password = locked(account.password) if account.disabled else account.password
    size = account.quota_bytes
    fields = QUOTA_FIELD[release].format(size=size) if size else ""
    return f"{account.address}:{{ARGON2ID}}{password}::::::{fields}"


def locked(password: str) -> str:
    """The hash with a digest of zeros: no password has it, and refusing one takes as long as for any account."""
    start, _, digest = password.rpartition("$")
    return f"{start}${'A' * len(digest)}"
