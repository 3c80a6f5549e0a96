"""Accounts that are in a directory or a database: the files and packages that Dovecot and Postfix need for them."""

from __future__ import annotations

import shlex

from ironpost.component import Check, HostFile, Unit
from ironpost.mailhost import MailHost
from ironpost.mailhost.stores import DATABASE_AUTHORITY, DIRECTORY_AUTHORITY
from ironpost.render import render
from ironpost.settings import Database, Directory

# Files that hold a login and nothing else, which Dovecot reads as root, and how it calls the password there.
DIRECTORY_LOGIN = "/etc/dovecot/directory.secret"
DATABASE_LOGIN = "/etc/dovecot/database.secret"
LOGIN_LINE = {"bookworm": "dnpass = ", "trixie": "ldap_auth_dn_password = "}
# Files beside dovecot.conf, which on Debian 13 holds everything itself.
DIRECTORY_FILES = ("/etc/dovecot/directory-logins.conf.ext", "/etc/dovecot/directory-mailboxes.conf.ext")
DATABASE_FILE = "/etc/dovecot/database.conf.ext"
LOGINS_PROGRAM = "/usr/lib/ironpost/login-answers"
LOGINS_SOCKET = "/etc/systemd/system/ironpost-logins.socket"
LOGINS_SERVICE = "/etc/systemd/system/ironpost-logins.service"
MAPS = ("recipients", "aliases", "senders")
NOBODY = "no-such-mailbox-5d1e"


def store_packages(mailhost: MailHost, program: str) -> tuple[str, ...]:
    """What `program` (dovecot or postfix) needs to ask the stores of this host; nothing where there are none."""
    packages = (f"{program}-ldap",) if mailhost.directory else ()
    return packages + ((f"{program}-pgsql",) if mailhost.database else ())


def logins_files(mailhost: MailHost) -> tuple[HostFile, ...]:
    """The program between Postfix and Dovecot that tells "no answer" from "wrong password", and its units."""
    if not mailhost.asks_elsewhere:
        return ()
    return (
        HostFile(LOGINS_PROGRAM, render(LOGINS_PROGRAM, mailhost), mode=0o755),
        *(HostFile(path, render(path, mailhost)) for path in (LOGINS_SOCKET, LOGINS_SERVICE)),
    )


def logins_units(mailhost: MailHost) -> tuple[Unit, ...]:
    if not mailhost.asks_elsewhere:
        return ()
    return (
        Unit("ironpost-logins.socket", restart_on=(LOGINS_SOCKET,)),
        Unit("ironpost-logins.service", restart_on=(LOGINS_SERVICE, LOGINS_PROGRAM)),
    )


def dovecot_store_files(mailhost: MailHost) -> tuple[HostFile, ...]:
    """The authorities stand here too: there is one file of each for both programs."""
    files: list[HostFile] = []
    beside = mailhost.release == "bookworm"
    if directory := mailhost.directory:
        login = mailhost.secret(directory.password).after(LOGIN_LINE[mailhost.release])
        files.append(HostFile(DIRECTORY_LOGIN, login, mode=0o600))
        files += [HostFile(path, render(path, mailhost)) for path in DIRECTORY_FILES if beside]
        files += authority(mailhost, DIRECTORY_AUTHORITY, directory)
    if database := mailhost.database:
        before = render(DATABASE_FILE, mailhost).removesuffix("\n") if beside else "password = "
        path = DATABASE_FILE if beside else DATABASE_LOGIN
        files.append(HostFile(path, mailhost.secret(database.password).after(before), mode=0o600))
        files += authority(mailhost, DATABASE_AUTHORITY, database)
    return tuple(files)


def authority(mailhost: MailHost, path: str, store: Directory | Database) -> list[HostFile]:
    return [HostFile(path, mailhost.file(store.authority).read_text())] if store.authority else []


def postfix_store_files(mailhost: MailHost) -> tuple[HostFile, ...]:
    """Tables of ldap_table(5) and pgsql_table(5), each with the password at its end."""
    files: list[HostFile] = []
    for store, kind, last in ((mailhost.directory, "ldap", "\nbind_pw = "), (mailhost.database, "pgsql", "")):
        if store:
            for path in tables(mailhost, kind):
                login = mailhost.secret(store.password).after(render(path, mailhost).removesuffix("\n") + last)
                files.append(HostFile(path, login, mode=0o640, group="postfix"))
    return tuple(files)


def tables(mailhost: MailHost, kind: str) -> list[str]:
    """The files of the maps of that kind."""
    found = [each.partition(":") for name in MAPS for each in mailhost.store_maps(name)]
    return [path for each, _, path in found if each == kind]


def store_checks(mailhost: MailHost) -> tuple[Check, ...]:
    """Each table is asked for somebody who is not there: a wrong login or certificate shows before the switch."""
    asked = {"ldap": mailhost.directory_domains, "pgsql": mailhost.database_domains}
    return tuple(
        Check(f"! postmap -q {NOBODY}@{asked[each.partition(':')[0]][0]} {shlex.quote(each)}", silent=True)
        for name in MAPS
        for each in mailhost.store_maps(name)
    )


def store_probes(mailhost: MailHost) -> tuple[str, ...]:
    """Dovecot asks for somebody who is not there: 67 is "no such user" (sysexits.h), and 75 no answer."""
    first = [names[0] for names in (mailhost.directory_domains, mailhost.database_domains) if names]
    return tuple(f"doveadm user {NOBODY}@{name} >/dev/null 2>&1; test $? = 67" for name in first)
