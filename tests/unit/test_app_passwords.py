"""App passwords: rows of the users file that are refused, and the table that Dovecot's program reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpost.accounts import read_accounts
from ironpost.components.accounts import locked, users_file
from ironpost.components.app_passwords import app_passwords_file
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.passwords import app_hash
from tests.inventories import HASH, mailhost, write_inventory

APP = app_hash("made for a test")
ROW = f'[[anna.app_passwords]]\nname = "phone"\nservices = ["imap", "smtp"]\nhash = "{APP}"\n'


def host(folder: Path, users: str) -> MailHost:
    path = write_inventory(folder, mailhost())
    file = folder / "users" / "example.org.toml"
    file.write_text(file.read_text() + users)
    return read_inventory(path).mailhosts[0]


@pytest.mark.parametrize(
    ("users", "words"),
    [
        ("app_passwords = 1\n", "app_passwords is not a list of tables"),
        (ROW.replace('"imap", "smtp"', ""), "services is []; name one or more of smtp, imap, pop3, sieve"),
        (ROW.replace('"imap"', '"http"'), "name one or more of smtp, imap"),
        (ROW.replace(APP, HASH), "hash is not one of ours"),
        (ROW + ROW, "two app passwords are called 'phone'"),
        (ROW + 'networks = ["192.0.2.1/24"]\n', "has host bits set"),
        (ROW + 'networks = "192.0.2.0/24"\n', "networks is not a list"),
        (ROW + 'until = "2027-01-31"\n', "write a day like 2027-01-31, without quotes"),
        (ROW + "until = 2027-01-31T10:00:00\n", "write a day like 2027-01-31, without quotes"),
        (ROW + "expires = 2027-01-31\n", "no such setting as 'expires'"),
        ('second_factor = "yes"\n', "second_factor is 'yes'; write 'required'"),
        ('certificates = ["AB:CD"]\n', "is not a SHA-256 fingerprint"),
    ],
)
def test_a_mistake_in_a_row_is_told_without_its_hash(tmp_path: Path, users: str, words: str) -> None:
    """A row that does not mean what was meant opens too much or nothing."""
    path = tmp_path / "example.org.toml"
    path.write_text(f'[anna]\npassword = "{HASH}"\n{users}')
    _, mistakes = read_accounts(path, "example.org")
    told = "\n".join(mistakes)
    assert words in told and APP not in told and HASH not in told


def test_each_service_has_a_row_with_its_networks_and_last_day(tmp_path: Path) -> None:
    """What is not in the row is not allowed: there is no row for all services."""
    mail = host(tmp_path, ROW + 'networks = ["192.0.2.0/24", "2001:db8::/32"]\nuntil = 2027-01-31\n')
    lines = app_passwords_file(mail).splitlines()[1:]
    rest = f"192.0.2.0/24,2001:db8::/32\t2027-01-31\tphone\t{{SSHA512}}{APP}"
    assert lines == [f"anna@example.org\timap\t{rest}", f"anna@example.org\tsmtp\t{rest}"]


def test_a_required_second_factor_locks_the_main_password_but_beside_a_certificate(tmp_path: Path) -> None:
    """The row stays, so that the mailbox receives."""
    mail = host(tmp_path, 'second_factor = "required"\n')
    assert f"anna@example.org:{{ARGON2ID}}{locked(HASH)}:" in users_file(mail) and HASH not in users_file(mail)
    [line] = app_passwords_file(mail).splitlines()[1:]
    assert line == f"anna@example.org\tsmtp-certificate\t*\t*\tmain\t{{ARGON2ID}}{HASH}"


def test_a_disabled_account_has_no_app_password_either(tmp_path: Path) -> None:
    """Who is shut out by one door must not come in by the other."""
    mail = host(tmp_path, "disabled = true\n" + ROW)
    assert app_passwords_file(mail).splitlines()[1:] == []
