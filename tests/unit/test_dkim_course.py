"""A rotation's course, without a host or a name server: what is due, in which order, and what it waits for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from ironpost.dkim.course import DAY, Due, Shown, Waits, course, is_overdue
from ironpost.dkim.revoke import belongs
from ironpost.dns.records.pairs import Pair, SigningKey
from ironpost.inventory import read_inventory
from tests.inventories import mailhost, write_inventory

WAITS = Waits(negative=600, keep=7 * DAY)


def pair(state: str, age: int = 0, name: str = "mx1-202611bcdf", born: int = 0) -> Pair:
    keys = (SigningKey("rsa", f"{name}-r", "AAAA"), SigningKey("ed25519", f"{name}-e", "BBBB"))
    return Pair("example.org", state, age, born, keys)


def dues(*pairs: Pair, shown: dict[str, Shown] | None = None, begin: bool = False) -> list[Due]:
    return course(pairs, {each.rsa: Shown() for each in pairs} | (shown or {}), WAITS, begin)


OLD = pair("signing", name="mx1-202605ghjk")


def test_a_rotation_begins_only_when_it_is_asked_for() -> None:
    """Running it again goes on; it does not pile one rotation upon another."""
    assert dues(OLD) == []
    assert [due.step for due in dues(OLD, begin=True)] == ["bear"]
    for under_way in ("next", "published", "retiring", "revoked"):
        assert "bear" not in [due.step for due in dues(OLD, pair(under_way), begin=True)]


def test_a_new_key_signs_only_after_every_server_shows_it_and_nobody_denies_it() -> None:
    """A resolver that was told NXDOMAIN a moment ago says so for one negative TTL; two are waited."""
    lacking = {pair("next").rsa: Shown(lacking=("192.0.2.53 does not show it",))}
    [blocked] = dues(OLD, pair("next"), shown=lacking)
    assert blocked.blocked and not blocked.step and "192.0.2.53" in blocked.why
    [due] = dues(OLD, pair("next"))[-1:]
    assert due.step == "published"
    [early] = dues(OLD, pair("published", age=599))
    assert not early.step and early.seconds == 1
    [due] = dues(OLD, pair("published", age=600))
    assert due.step == "sign"


def test_a_negative_ttl_that_becomes_shorter_meanwhile_shortens_no_wait() -> None:
    """Resolvers go by the SOA that they saw: who was told NXDOMAIN for an hour believes it for an hour."""
    [due] = dues(OLD, pair("next"))
    assert due.step == "published" and due.seconds == WAITS.negative
    waited = dataclasses.replace(pair("published", age=600), wait=7200)
    [early] = dues(OLD, waited)
    assert not early.step and early.seconds == 6600


def test_a_server_that_falls_behind_stops_the_switch() -> None:
    """What was seen everywhere ten minutes ago may be gone again: a restored backup, a new secondary."""
    lacking = {pair("published").rsa: Shown(lacking=("192.0.2.54 does not show it",))}
    [due] = dues(OLD, pair("published", age=9999), shown=lacking)
    assert due.blocked and not due.step


def test_an_old_key_outlives_the_longest_queue() -> None:
    """Revoked a minute early, the last letters of a slow queue fail."""
    new = pair("signing")
    [early] = dues(new, pair("retiring", 7 * DAY - 60, "mx1-202605ghjk"))
    assert not early.step and early.seconds == 60
    [due] = dues(new, pair("retiring", 7 * DAY, "mx1-202605ghjk"))
    assert due.step == "revoke"
    [due] = dues(new, pair("revoked", 7 * DAY, "mx1-202605ghjk"))
    assert due.step == "forget"


def test_a_key_revoked_in_dns_is_replaced_without_waiting() -> None:
    """Nothing that it signed verifies any more: each minute of courtesy costs mail."""
    gone = {OLD.rsa: Shown(revoked=True)}
    assert [due.step for due in dues(OLD, shown=gone)] == ["bear"]
    assert [due.step for due in dues(OLD, pair("published"), shown=gone)] == ["sign"]
    retiring = pair("retiring", name="mx1-202605ghjk")
    assert [due.step for due in dues(pair("signing"), retiring, shown=gone)] == ["revoke"]


@pytest.mark.parametrize(("days", "born", "due"), [(None, 999, False), (90, 89, False), (90, 90, True)])
def test_the_schedule_goes_by_the_age_of_what_signs(days: int | None, born: int, due: bool) -> None:
    """A timer that runs every day must not rotate every day."""
    assert is_overdue((pair("signing", born=born * DAY),), days) is due


def test_the_waits_follow_the_settings(tmp_path: Path) -> None:
    """A host whose queue lives three days needs not wait as one whose queue lives five."""
    path = write_inventory(tmp_path, mailhost(limits="Limits(queue_days=3, bounce_queue_days=1)"))
    host = read_inventory(path).mailhosts[0]
    assert Waits.of(host, "example.org", 300) == Waits(negative=600, keep=5 * DAY)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("mx1-202611bcdf-r._domainkey.example.org", True),
        ("mx1-202611bcdf-e._domainkey.example.org", True),
        ("mx11-202611bcdf-r._domainkey.example.org", False),
        ("mx1-a-202611bcdf-r._domainkey.example.org", False),
        ("mx1-202611bcdf-r._domainkey.example.com", False),
        ("newsletter._domainkey.example.org", False),
    ],
)
def test_only_selectors_of_the_stolen_host_are_revoked(tmp_path: Path, name: str, ours: bool) -> None:
    """The other hosts of the domain go on signing."""
    host = read_inventory(write_inventory(tmp_path, mailhost())).mailhosts[0]
    assert belongs(host, "example.org", name) is ours


def test_selectors_that_the_settings_name_are_theirs_too(tmp_path: Path) -> None:
    """Explicit names have no pattern."""
    domains = '[Domain(name="example.org", users="users/example.org.toml", dkim=Dkim(rsa="k1", ed25519="k2"))]'
    host = read_inventory(write_inventory(tmp_path, mailhost(domains=domains))).mailhosts[0]
    assert belongs(host, "example.org", "k2._domainkey.example.org")
    assert not belongs(host, "example.org", "k3._domainkey.example.org")
