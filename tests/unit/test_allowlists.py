"""Allowlists: what is refused before anything is touched, and that all programs are told the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpost.components.accounts import row, users_files
from ironpost.components.postfix_maps import submission_access
from ironpost.errors import InventoryError
from ironpost.inventory import read_inventory
from ironpost.mailhost.access import common
from tests.golden.trees import WHOLE
from tests.inventories import HASH, mailhost, write_inventory

OPEN, RESTRICTED, _ = WHOLE

BAD = [
    ('ssh=["192.0.2.1/24"]', "is not a network"),
    ('imap=["0.0.0.0/0"]', "imap: 0.0.0.0/0 is everyone; leave the list empty if that is meant"),
    ('imap=["::/0"], wide=["::/0"]', "imap: ::/0 is everyone"),
    ('pop3=["10.0.0.0/8"]', "pop3: 10.0.0.0/8 is wider than /24"),
    ('submission=["2001:db8::/32"]', 'submission: 2001:db8::/32 is wider than /48; narrow it, or add wide=["2001:db8:'),
    ('ssh=["::ffff:192.0.2.0/120"]', "IPv4 in the form of IPv6"),
    ('ssh=["192.0.2.0/25", "192.0.2.7"]', "ssh: 192.0.2.0/25 and 192.0.2.7/32 overlap; keep the wider one"),
    ('managesieve=["192.0.2.7", "192.0.2.7"]', "overlap"),
    ('ssh=["192.0.2.0/24"], wide=["10.0.0.0/8"]', "wide: 10.0.0.0/8 stands in no list"),
    ('metrics=["192.0.2.7"]', "metrics: there is no such setting"),
]


@pytest.mark.parametrize(("lists", "words"), BAD, ids=[lists for lists, _ in BAD])
def test_a_list_that_nobody_can_mean_is_refused(tmp_path: Path, lists: str, words: str) -> None:
    """A list that is too wide looks like protection and is none."""
    with pytest.raises(InventoryError) as refused:
        read_inventory(write_inventory(tmp_path, mailhost(allow=f"Allow({lists})")))
    assert words in str(refused.value)


def test_all_mistakes_of_all_lists_come_together(tmp_path: Path) -> None:
    """One run, one list of things to correct."""
    lists = 'ssh=["10.0.0.0/8"], imap=["0.0.0.0/0"], pop3=["192.0.2.0/24", "192.0.2.1"]'
    with pytest.raises(InventoryError) as refused:
        read_inventory(write_inventory(tmp_path, mailhost(allow=f"Allow({lists})")))
    assert all(word in str(refused.value) for word in ("ssh: 10.0.0.0/8", "imap: 0.0.0.0/0", "pop3: 192.0.2.0/24"))


@pytest.mark.parametrize(
    ("networks", "words"),
    [
        ('"192.0.2.0/24"', "anna: networks is not a list of networks"),
        ('["192.0.2.1/24"]', "anna: networks: '192.0.2.1/24' is not a network"),
        ('["0.0.0.0/0"]', "anna: networks: 0.0.0.0/0 is everyone"),
        ('["192.0.2.0/24", "192.0.2.5"]', "anna: networks: 192.0.2.0/24 and 192.0.2.5/32 overlap"),
    ],
)
def test_networks_of_an_account_are_checked_too(tmp_path: Path, networks: str, words: str) -> None:
    """The users file is edited by hand, and a slip there locks its owner out or lets everyone in."""
    inventory = write_inventory(tmp_path, mailhost())
    (tmp_path / "users" / "example.org.toml").write_text(f'[anna]\npassword = "{HASH}"\nnetworks = {networks}\n')
    with pytest.raises(InventoryError) as refused:
        read_inventory(inventory)
    assert words in str(refused.value)


def test_an_account_logs_in_from_where_both_its_own_networks_and_the_service_allow() -> None:
    """Of two lists the stricter one counts, whichever that is."""
    assert common(("192.0.2.0/24", "2001:db8::/48"), ("192.0.2.8/29", "2001:db8::/32")) == (
        "192.0.2.8/29",
        "2001:db8::/48",
    )
    assert common(("192.0.2.0/24",), ("198.51.100.0/24", "2001:db8::/32")) == ()
    account = RESTRICTED.accounts[0]
    assert RESTRICTED.networks_of(account, "imap") == RESTRICTED.allow.imap
    assert RESTRICTED.networks_of(account, "pop3") == ()
    assert row(account, "trixie", ("192.0.2.0/24", "::1/128")).endswith(" allow_nets=192.0.2.0/24,::1/128") or row(
        account, "trixie", ("192.0.2.0/24", "::1/128")
    ).endswith("::::::allow_nets=192.0.2.0/24,::1/128")


def test_postfix_and_dovecot_have_the_networks_of_the_firewall() -> None:
    """SMTP and IMAP cannot disagree about who may come in."""
    table = submission_access(RESTRICTED).splitlines()
    assert [line.split()[0] for line in table if line.endswith("DUNNO")][2:] == list(RESTRICTED.allow.submission)
    assert table[-2].startswith("0.0.0.0/0 REJECT") and table[-1].startswith("::/0 REJECT")
    texts = {file.path: str(file.content) for file in users_files(RESTRICTED)}
    assert set(texts) == {"/etc/dovecot/users"} | {
        f"/etc/dovecot/users.{service}" for service in ("smtp", "imap", "pop3", "sieve", "smtp-certificate")
    }
    for service, networks in (("smtp", RESTRICTED.allow.submission), ("imap", RESTRICTED.allow.imap)):
        assert all(
            f"allow_nets={','.join(networks)}" in line for line in texts[f"/etc/dovecot/users.{service}"].splitlines()
        )
    assert "allow_nets" not in texts["/etc/dovecot/users.pop3"]
    assert [file.path for file in users_files(OPEN)] == ["/etc/dovecot/users"]
