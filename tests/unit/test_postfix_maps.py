"""Postfix's lookup tables: who exists, who gets whose mail, who may send as whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpost.components import postfix_maps as maps
from ironpost.mailhost import Domain, MailHost
from tests.golden.trees import WHOLE
from tests.inventories import HASH

MODERN, INTERMEDIATE, _ = WHOLE
each_mailhost = pytest.mark.parametrize("mailhost", WHOLE, ids=lambda mailhost: mailhost.name)


@each_mailhost
def test_postmaster_abuse_and_root_reach_the_admin_everywhere(mailhost: MailHost) -> None:
    """RFC 5321 §4.5.1 and RFC 2142: of every domain, of the host itself, and without a domain at all."""
    rows = maps.aliases(mailhost)
    for role in ("postmaster", "abuse", "root"):
        for name in (*mailhost.domain_names, mailhost.name):
            assert rows[f"{role}@{name}"] == mailhost.admin
        assert rows[role] == mailhost.admin


def test_a_role_that_is_a_mailbox_or_an_alias_stays_what_it_is(tmp_path: Path) -> None:
    """Whoever gives postmaster a mailbox must not find it empty."""
    users = f'[anna]\npassword = "{HASH}"\naliases = ["abuse"]\n[postmaster]\npassword = "{HASH}"\n'
    (tmp_path / "users.toml").write_text(users)
    mailhost = MODERN.model_copy(update={"domains": (Domain(name="example.org", users="users.toml"),)})
    assert mailhost.read_users(tmp_path) == []
    rows = maps.aliases(mailhost)
    assert "postmaster@example.org" not in rows
    assert rows["abuse@example.org"] == "anna@example.org"
    assert rows["root@example.org"] == "anna@example.org"


def test_an_account_sends_as_itself_and_its_aliases_and_the_admin_as_the_roles() -> None:
    """Answers of the postmaster come from the postmaster; nobody else sends as somebody else."""
    assert maps.senders(MODERN) == {
        "postmaster@example.org": "anna@example.org",
        "abuse@example.org": "anna@example.org",
        "root@example.org": "anna@example.org",
        "anna@example.org": "anna@example.org",
        "info@example.org": "anna@example.org",
        "a.arnold@example.org": "anna@example.org",
        "bert@example.org": "bert@example.org",
    }


def test_an_admin_elsewhere_owns_no_sender_here() -> None:
    """A login that does not exist here cannot own an address; the row would only mislead."""
    assert INTERMEDIATE.admin not in maps.senders(INTERMEDIATE).values()


def test_a_disabled_account_keeps_receiving() -> None:
    """Its mail would otherwise bounce while its owner is on leave."""
    assert "dmarc@example.com" in maps.recipients(INTERMEDIATE)


def test_our_own_name_and_addresses_are_no_names_for_a_client() -> None:
    """As SMTP writes them: an IPv6 address has a tag in front (RFC 5321 §4.1.3)."""
    assert list(maps.own_names(MODERN)) == ["mx1.example.org", "[192.0.2.10]", "[IPv6:2001:db8:2::10]"]
