"""Accounts: the one system user that owns all mail, and Dovecot's file of logins."""

from __future__ import annotations

from ironpost.accounts import Account
from ironpost.component import Component, HostDirectory, HostFile, SystemUser
from ironpost.components.app_passwords import WITH_CERTIFICATE, app_passwords_file
from ironpost.mailhost import MailHost
from ironpost.mailhost.access import LOGINS
from ironpost.mailhost.forwarding import FORWARD_PORT

USERS = "/etc/dovecot/users"  # with a service's name behind it, where services have allowlists
APP_PASSWORDS = "/etc/dovecot/app-passwords"
STORE = "/var/vmail"
VMAIL_ID = 5000
# What userdb(passwd-file) calls a mailbox's size in Dovecot 2.3 and 2.4; both write bytes.
QUOTA_FIELD = {
    "bookworm": "userdb_quota_rule=*:bytes={size}",
    "trixie": "userdb_quota_storage_size={size}B",
}


def accounts(mailhost: MailHost) -> Component:
    """Who logs in on this host, and who has a mailbox here."""
    if not mailhost.has_dovecot:
        return Component(name="accounts")
    return Component(
        name="accounts",
        packages=("dovecot-core",),  # brings the group that may read the file
        files=(
            *users_files(mailhost),
            HostFile(APP_PASSWORDS, app_passwords_file(mailhost), mode=0o640, group="dovecot", secret=True),
        ),
        directories=(HostDirectory(STORE, mode=0o700, owner="vmail", group="vmail"),),
        users=(SystemUser("vmail", home=STORE, uid=VMAIL_ID),),
    )


def users_files(mailhost: MailHost) -> tuple[HostFile, ...]:
    """One file of rows for all services; where a service has an allowlist, one for each besides."""
    contents = {USERS: users_file(mailhost)}
    if mailhost.restricts_logins:
        contents |= {f"{USERS}.{service}": users_file(mailhost, service) for service in LOGINS}
        if mailhost.certificate_port:
            contents[f"{USERS}.{WITH_CERTIFICATE}"] = users_file(mailhost, "smtp")
    return tuple(HostFile(path, text, mode=0o640, group="dovecot", secret=True) for path, text in contents.items())


def users_file(mailhost: MailHost, service: str | None = None) -> str:
    """A passwd-file: one row per account that the service is for, in the order of the inventory."""
    return "".join(
        row(
            account,
            mailhost.release,
            mailhost.networks_of(account, service) if service else account.networks,
            token_only=mailhost.passwords_of(account) != "all",
            forwards=account in mailhost.forwarders,
        )
        + "\n"
        for account in logins_of(mailhost, service)
    )


def logins_of(mailhost: MailHost, service: str | None) -> tuple[Account, ...]:
    """Everyone sends here; one reads only where the mailbox is."""
    sending = service in ("smtp", WITH_CERTIFICATE) or not mailhost.splits_logins
    return mailhost.login_accounts if sending else mailhost.residents


def row(
    account: Account, release: str, networks: tuple[str, ...], token_only: bool = False, forwards: bool = False
) -> str:
    """`name:hash:uid:gid:gecos:home:shell:fields`, with what is the same for all left to dovecot.conf.

    Who needs a second factor has no main password here: it stands with the app passwords, for the listener that demands
    a client certificate. Who logs in with tokens alone has none at all.
    """
    shut = account.disabled or account.second_factor or token_only
    password = locked(account.password) if shut else account.password
    size = account.quota_bytes
    fields = [QUOTA_FIELD[release].format(size=size)] if size else []
    if forwards:
        # Sieve rules send nothing on, except where the inventory says so, and then by way of Postfix's own port for it.
        fields += [f"userdb_sieve_max_redirects={len(account.forward)}"]
        fields += [f"userdb_submission_host=127.0.0.1:{FORWARD_PORT}"]
    if networks:
        fields.append(f"allow_nets={','.join(networks)}")
    return f"{account.address}:{{ARGON2ID}}{password}::::::{' '.join(fields)}"


def locked(password: str) -> str:
    """The hash with a digest of zeros: no password has it, and refusing one takes as long as for any account."""
    start, _, digest = password.rpartition("$")
    return f"{start}${'A' * len(digest)}"
