"""What Dovecot is told, read as Dovecot reads it: one setting a line, blocks in braces."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpost.components.accounts import accounts, locked, users_file
from ironpost.components.dovecot import dovecot
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from tests.inventories import HASH, mailhost, write_inventory

RELEASES = ("bookworm", "trixie")


def host(folder: Path, users: str = "", **settings: str) -> MailHost:
    """The mail host of an inventory with one account, anna, and whatever is added to the users file."""
    path = write_inventory(folder, mailhost(**settings))
    file = folder / "users" / "example.org.toml"
    file.write_text(file.read_text() + users)
    return read_inventory(path).mailhosts[0]


def settings_of(text: str) -> dict[str, str]:
    """`block/name` → value; blocks of one name are told apart by their order only where a test needs it."""
    found: dict[str, str] = {}
    blocks: list[str] = []
    for line in (line.strip() for line in text.splitlines()):
        if line.endswith("{"):
            blocks.append(line.removesuffix("{").strip())
        elif line == "}":
            blocks.pop()
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found["/".join([*blocks, name.strip()])] = value.strip()
    return found


def configuration(mail: MailHost) -> dict[str, str]:
    return settings_of(next(file.content for file in dovecot(mail).files if file.path.endswith("/dovecot.conf")))


@pytest.mark.parametrize("release", RELEASES)
def test_cleartext_ports_are_closed_unless_asked_for(tmp_path: Path, release: str) -> None:
    """RFC 8314 §3: 993 and 995 are enough for every mail program of the last fifteen years."""
    mail = host(tmp_path, release=f'"{release}"')
    found = configuration(mail)
    assert found["service imap-login/inet_listener imap/port"] == "0"
    assert found["service pop3-login/inet_listener pop3/port"] == "0"
    assert "sieve" not in found["protocols"]
    assert [port.number for port in dovecot(mail).ports] == [993, 995]


@pytest.mark.parametrize("release", RELEASES)
def test_a_cleartext_port_that_is_asked_for_demands_tls(tmp_path: Path, release: str) -> None:
    """Opening 143 must not open a way to log in without TLS."""
    mail = host(tmp_path, release=f'"{release}"', cleartext_ports='("imap", "managesieve")')
    found = configuration(mail)
    assert found["service imap-login/inet_listener imap/port"] == "143"
    assert found["service pop3-login/inet_listener pop3/port"] == "0"
    assert found["ssl"] == "required"
    assert [port.number for port in dovecot(mail).ports] == [993, 995, 143, 4190]
    assert "dovecot-managesieved" in dovecot(mail).packages


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("tls", "least"), [("modern", "TLSv1.3"), ("intermediate", "TLSv1.2"), ("closed", "TLSv1.2")])
def test_the_oldest_tls_follows_the_setting(tmp_path: Path, release: str, tls: str, least: str) -> None:
    """One word in the inventory decides for all client ports."""
    found = configuration(host(tmp_path, release=f'"{release}"', tls=f'"{tls}"'))
    assert found["ssl_min_protocol"] == least


@pytest.mark.parametrize("release", RELEASES)
def test_system_accounts_cannot_log_in(tmp_path: Path, release: str) -> None:
    """Debian's own configuration asks PAM; a shell account's password would then open a mailbox and send mail."""
    found = configuration(host(tmp_path, release=f'"{release}"'))
    drivers = {name: value for name, value in found.items() if name.startswith(("passdb", "userdb"))}
    assert drivers and "pam" not in str(drivers) and "shadow" not in str(drivers)
    assert not any(name.startswith("!include") for name in found)


def test_both_releases_are_told_the_same_limits(tmp_path: Path) -> None:
    """The two files differ in syntax; a limit that is in one only would be a difference between hosts."""
    texts = [configuration(host(tmp_path, release=f'"{release}"')) for release in RELEASES]
    common = {name for name in texts[0] if "limit" in name or "port" in name or name.startswith("mail_max")}
    assert common and all(texts[0][name] == texts[1][name] for name in common)


def test_a_disabled_account_keeps_its_row_but_no_password_fits(tmp_path: Path) -> None:
    """It still receives; and the refusal takes as long as any, so that nobody learns that it is disabled."""
    rows = users_file(host(tmp_path, users=f'[gone]\npassword = "{HASH}"\ndisabled = true\n')).splitlines()
    anna, gone = rows
    assert anna.startswith(f"anna@example.org:{{ARGON2ID}}{HASH}:")
    assert gone.startswith("gone@example.org:{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$")
    assert HASH not in gone
    assert len(locked(HASH)) == len(HASH)


@pytest.mark.parametrize(
    ("release", "field"),
    [("bookworm", "userdb_quota_rule=*:bytes=20000000"), ("trixie", "userdb_quota_storage_size=20000000B")],
)
def test_an_account_may_have_a_size_of_its_own(tmp_path: Path, release: str, field: str) -> None:
    """Each release names the field differently; a wrong name is ignored without a word."""
    users = f'[big]\npassword = "{HASH}"\nquota_bytes = 20_000_000\n'
    rows = users_file(host(tmp_path, users=users, release=f'"{release}"')).splitlines()
    assert rows[1].endswith("::::::" + field)
    assert rows[0].endswith("::::::")


def test_the_file_of_hashes_is_a_secret_of_root_and_dovecot(tmp_path: Path) -> None:
    """A hash can be guessed against at leisure by whoever reads it."""
    file = accounts(host(tmp_path)).files[0]
    assert (file.mode, file.owner, file.group, file.is_secret) == (0o640, "root", "dovecot", True)


def test_logins_have_room_for_the_dearest_hash(tmp_path: Path) -> None:
    """Argon2id takes its memory or fails: an account with a dear hash could never log in."""
    dear = HASH.replace("m=65536", "m=1048576")
    found = configuration(host(tmp_path, users=f'[dear]\npassword = "{dear}"\n'))
    assert found["service auth/vsz_limit"] == "1280M"
