"""`ironpost user …` as an operator types it: the users file changes, and nothing else of it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ironpost.accounts import read_accounts
from ironpost.cli import Exit
from ironpost.cli.user import user
from ironpost.errors import InventoryError, UsersFileError
from tests.inventories import HASH, mailhost, write_inventory

GOOD = "vgd8-q2wz9-k3mnb-trp"
KEPT = f"# who works here\n[anna]  # the boss\npassword = '{HASH}'\naliases = [\n  'info', # read daily\n]\n"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = write_inventory(tmp_path, mailhost())
    users(path).write_text(KEPT)
    users(path).chmod(0o640)
    return path


def users(inventory: Path) -> Path:
    return inventory.parent / "users" / "example.org.toml"


def told(inventory: Path, *words: str, stdin: str = "") -> Result:
    verbs = 2 if words[0] == "app-password" else 1
    return CliRunner().invoke(user, [*words[:verbs], str(inventory), *words[verbs:]], input=stdin)


def read(inventory: Path) -> dict[str, Any]:
    return tomllib.loads(users(inventory).read_text())


def test_a_new_account_leaves_comments_order_and_mode_alone(inventory: Path) -> None:
    """The file belongs to a person, who will read it again."""
    done = told(inventory, "add", "bert@example.org", "--alias", "sales", "--quota", "5000000", "--stdin", stdin=GOOD)
    assert done.exit_code == Exit.DONE, done.output
    text = users(inventory).read_text()
    assert text.startswith(KEPT) and GOOD not in text
    assert users(inventory).stat().st_mode & 0o777 == 0o640
    (_, bert), mistakes = read_accounts(users(inventory), "example.org")
    assert not mistakes and bert.addresses == ("bert@example.org", "sales@example.org") and bert.quota_bytes == 5000000
    assert sorted(path.name for path in users(inventory).parent.iterdir()) == ["example.org.toml"]


def test_the_first_account_of_a_domain_can_be_added(inventory: Path) -> None:
    """`ironpost check` refuses an inventory without its admin's mailbox, which only this command makes."""
    users(inventory).unlink()
    assert told(inventory, "add", "anna@example.org", "--generate").exit_code == Exit.DONE
    assert users(inventory).stat().st_mode & 0o777 == 0o600
    assert list(read(inventory)) == ["anna"]


@pytest.mark.parametrize(
    ("words", "stdin", "sentence"),
    [
        (("add", "bert@example.org", "--stdin"), "short", "bert@example.org: the password has 5 characters"),
        (("add", "anna@example.org", "--stdin"), GOOD, "the account anna is there; use"),
        (("add", "bert@example.org", "--alias", "info", "--stdin"), GOOD, "info@example.org belongs to anna@"),
        (("add", "bert@example.org", "--alias", "in fo", "--stdin"), GOOD, "is not a mailbox name"),
        (("add", "bert@example.net", "--stdin"), GOOD, "no mail host serves example.net; there are example.org"),
        (("passwd", "bert@example.org", "--stdin"), GOOD, "there is no account bert; it holds anna"),
        (("passwd", "anna", "--stdin"), GOOD, "is not a mail address"),
        (("app-password", "add", "anna@example.org", "Phone!", "--service", "imap"), "", "name is missing or odd"),
        (
            ("app-password", "add", "anna@example.org", "phone", "--service", "imap", "--network", "192.0.2.1/24"),
            "",
            "has host bits set",
        ),
        (("app-password", "revoke", "anna@example.org", "phone"), "", "no app password 'phone'; there is none"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(
    inventory: Path, words: tuple[str, ...], stdin: str, sentence: str
) -> None:
    """And the file stands as it was."""
    done = told(inventory, *words, stdin=stdin)
    assert isinstance(done.exception, (UsersFileError, InventoryError)), done.output
    assert sentence in str(done.exception)
    assert users(inventory).read_text() == KEPT


def test_disable_enable_and_second_factor_are_one_line_each(inventory: Path) -> None:
    """A disabled account keeps receiving: it stays in the file."""
    told(inventory, "disable", "anna@example.org")
    assert read(inventory)["anna"]["disabled"] is True
    told(inventory, "enable", "anna@example.org")
    assert users(inventory).read_text() == KEPT
    assert told(inventory, "second-factor", "anna@example.org", "--release").exit_code == Exit.DONE
    assert users(inventory).read_text() == KEPT


def test_an_app_password_is_shown_once_kept_as_a_hash_and_revoked(inventory: Path) -> None:
    """Whoever reads the file later learns nothing from it."""
    words = ("app-password", "add", "anna@example.org", "phone", "--service", "imap", "--until", "2031-01-31")
    made = told(inventory, *words).stdout.strip()
    [row] = read(inventory)["anna"]["app_passwords"]
    assert row["services"] == ["imap"] and made not in users(inventory).read_text()
    assert str(row["until"]) == "2031-01-31"
    assert told(inventory, *words).exception is not None  # the name is taken
    listed = told(inventory, "app-password", "list", "anna@example.org").stdout
    assert listed == "phone: imap; from anywhere; until 2031-01-31\n"
    assert told(inventory, "app-password", "revoke", "anna@example.org", "phone").exit_code == Exit.DONE
    assert users(inventory).read_text() == KEPT


def test_a_file_that_somebody_else_changed_meanwhile_is_left_alone(inventory: Path) -> None:
    """Two administrators at once must not lose each other's accounts."""
    from ironpost.usersfile import UsersFile

    mine = UsersFile(users(inventory))
    told(inventory, "add", "bert@example.org", "--generate")
    mine.put("anna", "disabled", True)
    with pytest.raises(UsersFileError, match="changed meanwhile"):
        mine.save(lambda _: ())
    assert list(read(inventory)) == ["anna", "bert"]
