"""Users files: what is accepted, and how mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpost.accounts import read_accounts
from tests.inventories import HASH

WEAK = HASH.replace("m=65536", "m=4096")
BAD = [
    ('[anna]\npassword = "x7Gq-plain-text"', "is not an Argon2id hash"),
    ('[anna]\npassword = "{ARGON2ID}' + HASH + '"', "is not an Argon2id hash"),
    (f'[anna]\npassword = "{WEAK}"', "least: 19456"),
    ("[anna]", "is not an Argon2id hash"),
    (f'["an na"]\npassword = "{HASH}"', "is not a mailbox name"),
    (f'["anna:x"]\npassword = "{HASH}"', "is not a mailbox name"),
    (f'["an/../na"]\npassword = "{HASH}"', "is not a mailbox name"),
    (f'[Anna]\npassword = "{HASH}"', "is not a mailbox name"),
    (f'[anna]\npassword = "{HASH}"\nalias = ["x"]', "no such setting as 'alias'"),
    (f'[anna]\npassword = "{HASH}"\naliases = "info"', "is not a list"),
    (f'[anna]\npassword = "{HASH}"\naliases = ["in fo"]', "is not a mailbox name"),
    (f'[anna]\npassword = "{HASH}"\nquota_bytes = 5', "quota_bytes"),
    (f'[anna]\npassword = "{HASH}"\ndisabled = "yes"', "neither true nor false"),
    (f'[anna]\npassword = "{HASH}"\naliases=["b"]\n[b]\npassword = "{HASH}"', "belongs to anna@example.org and b@"),
    ("password = 1", "stands outside of a [table]"),
    ("[anna", "is not TOML"),
]


@pytest.mark.parametrize(("text", "words"), BAD, ids=[words for _, words in BAD])
def test_a_mistake_is_told_without_the_password(tmp_path: Path, text: str, words: str) -> None:
    """A users file is written by hand; what is wrong in it must be named, what is secret must not."""
    path = tmp_path / "example.org.toml"
    path.write_text(text)
    _, mistakes = read_accounts(path, "example.org")
    assert words in "\n".join(mistakes)
    assert "x7Gq-plain-text" not in "\n".join(mistakes)


def test_aliases_are_addresses_that_the_account_owns(tmp_path: Path) -> None:
    """They decide what reaches the mailbox and which senders it may use."""
    path = tmp_path / "example.org.toml"
    path.write_text(f'[anna]\npassword = "{HASH}"\naliases = ["info", "sales@example.com"]\n')
    [anna], mistakes = read_accounts(path, "example.org")
    assert anna.addresses == ("anna@example.org", "info@example.org", "sales@example.com")
    assert not mistakes
