"""What of the packet filter counts as drift, and what moves by itself."""

from __future__ import annotations

from ironpost.onhost.rules import place, still

COUNTING = {"name": "rate_25_v4", "table": "ironpost", "type": "ipv4_addr", "size": 65535, "timeout": 120}
SEEN = [{"elem": {"val": "192.0.2.7", "expires": 113, "limit": {"rate": 200}}}]


def test_a_source_that_was_counted_is_no_drift() -> None:
    """Mail comes in all day; nft of Debian 12 calls the set `timeout`, that of Debian 13 `dynamic` as well."""
    for flags in (["timeout"], ["timeout", "dynamic"], ["dynamic"], "dynamic"):
        assert still({"set": COUNTING | {"flags": flags, "elem": SEEN}}) == still({"set": COUNTING | {"flags": flags}})


def test_a_network_that_somebody_let_in_is_drift() -> None:
    """The allowlist of SSH is a set of intervals."""
    allowed = {"name": "ssh_v4", "table": "ironpost", "type": "ipv4_addr", "flags": ["interval"]}
    assert still({"set": allowed | {"elem": ["192.0.2.1"]}}) != still({"set": allowed | {"elem": ["192.0.2.2"]}})


def test_rules_are_compared_without_their_counters() -> None:
    """Each packet would be a change."""
    rule = {"rule": {"expr": [{"counter": {"packets": 3, "bytes": 180}}, {"drop": None}], "handle": 7}}
    assert still(rule) == {"rule": {"expr": [{"counter": {}}, {"drop": None}]}}
    assert still(rule) != still({"rule": {"expr": [{"counter": {}}, {"accept": None}]}})


def test_the_order_in_which_tables_were_made_is_no_drift() -> None:
    """A reload makes our table anew, and the one of the bans, which stays, is then told first."""
    rows = [
        {"table": {"family": "inet", "name": "ironpost"}},
        {"rule": {"family": "inet", "table": "ironpost", "chain": "input", "expr": ["first"]}},
        {"rule": {"family": "inet", "table": "ironpost", "chain": "input", "expr": ["second"]}},
        {"table": {"family": "inet", "name": "ironpost_bans"}},
        {"set": {"family": "inet", "table": "ironpost_bans", "name": "logins_v4"}},
    ]
    assert sorted(rows[3:] + rows[:3], key=place) == sorted(rows, key=place)
    assert sorted([rows[0], rows[2], rows[1]], key=place) != sorted(rows[:3], key=place), "the order of rules decides"
