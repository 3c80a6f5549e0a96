"""What a policy costs a receiver, counted as RFC 7208 §4.6.4 does."""

from __future__ import annotations

import pytest

from ironpost.dns.costs import with_costs
from ironpost.dns.plan import Change, ZonePlan, refusals
from ironpost.dns.recordset import SetId
from ironpost.dns.spf_cost import spf_cost
from tests.unit.test_dns_plan import UPDATES

ZONE: dict[tuple[str, str], tuple[str, ...]] = {
    ("example.org", "MX"): ("10 mx1.example.org.",),
    ("mx1.example.org", "A"): ("192.0.2.10",),
    ("news.example", "TXT"): ("unrelated", "v=spf1 a include:deep.example -all"),
    ("news.example", "A"): ("192.0.2.20",),
    ("deep.example", "TXT"): ("v=spf1 ip4:192.0.2.0/28 -all",),
    ("two.example", "TXT"): ("v=spf1 -all", "v=spf1 ~all"),
    ("loop.example", "TXT"): ("v=spf1 include:loop.example -all",),
    ("many.example", "MX"): tuple(f"10 mx{number}.example.org." for number in range(11)),
    **{(f"mx{number}.example.org", "A"): ("192.0.2.9",) for number in range(11)},
}


def ask(name: str, rtype: str) -> tuple[str, ...] | None:
    return None if name == "silent.example" else ZONE.get((name, rtype), ())


@pytest.mark.parametrize(
    ("policy", "lookups", "void"),
    [
        ("v=spf1 ip4:192.0.2.1 ip6:2001:db8::1 -all", 0, 0),
        ("v=spf1 mx ~all", 1, 0),
        ("v=spf1 mx include:news.example ~all", 4, 0),
        ("v=spf1 -all mx a", 0, 0),
        ("v=spf1 a:gone.example ?mx:gone.example exists:gone.example -all", 3, 3),
        ("v=spf1 redirect=news.example", 3, 0),
        ("v=spf1 redirect=news.example ~all", 0, 0),
        ("v=spf1 exists:%{i}.x.example -all", 1, 0),
    ],
)
def test_terms_that_ask_are_counted_through_includes(policy: str, lookups: int, void: int) -> None:
    """`all` ends it, and makes a redirect void (RFC 7208 §6.1)."""
    cost = spf_cost(policy, "example.org", ask)
    assert (cost.lookups, cost.void, cost.unknown) == (lookups, void, [])


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("v=spf1 " + "mx " * 11 + "~all", "asks 11 times, more than 10"),
        ("v=spf1 a:x.example a:y.example a:z.example ~all", "asks 3 times in vain, more than 2"),
        ("v=spf1 include:two.example ~all", "two.example: has 2 SPF policies"),
        ("v=spf1 include:loop.example ~all", "loop.example: includes itself"),
        ("v=spf1 mx:many.example ~all", "mx has 11 names, more than 10"),
        ("v=spf1 ptr ~all", "ptr is not to be used"),
    ],
)
def test_what_receivers_take_for_an_error_is_told(policy: str, told: str) -> None:
    """permerror: the domain has no policy then."""
    assert any(told in fault for fault in spf_cost(policy, "example.org", ask).excess)


def test_what_cannot_be_asked_is_not_counted_as_empty() -> None:
    """A name server that is down for an hour is no mistake of the policy."""
    cost = spf_cost("v=spf1 include:silent.example ~all", "example.org", ask)
    assert cost.unknown == ["silent.example"] and not cost.void and not cost.excess


def plan_of(before: str, after: str) -> ZonePlan:
    spf = Change("~", SetId("example.org", "TXT", "spf"), (before,), (after,), "why", "example.org", "own", "own")
    return ZonePlan("example.org", UPDATES, (), (spf,), {})


def test_a_policy_that_is_too_dear_is_not_published() -> None:
    """Ten more lookups in a merge, and nobody's mail passes any more."""
    dear = "v=spf1 " + " ".join(f"a:h{number}.example" for number in range(11)) + " ~all"
    [plan] = with_costs([plan_of("v=spf1 mx ~all", dear)], (), ())
    assert any("asks 11 times" in sentence for sentence in refusals((plan,)))


def test_one_that_stands_already_is_told_and_stops_nothing() -> None:
    """Another's include grew over night; the host's new key must be published all the same."""
    dear = "v=spf1 " + "mx " * 11 + "~all"
    [plan] = with_costs([plan_of(dear, dear)], (), ())
    assert any("asks 11 times" in note for note in plan.notes) and not refusals((plan,))


def test_a_merge_with_a_policy_that_was_broken_before_is_not_refused() -> None:
    """The fault is theirs, and our host sends from now on: refusing would mend nothing."""
    dear = "v=spf1 " + "mx " * 11 + "~all"
    [plan] = with_costs([plan_of(dear, dear.replace("~all", "ip4:192.0.2.1 ~all"))], (), ())
    assert any("asks 11 times" in note for note in plan.notes) and not refusals((plan,))


def test_what_is_planned_counts_as_if_it_stood_there() -> None:
    """On the first day the MX that the policy leads to is not published yet."""
    mx = Change("+", SetId("example.org", "MX"), (), ("10 mx1.example.org.",), "why", "example.org", None, "own")
    address = Change("+", SetId("mx1.example.org", "A"), (), ("192.0.2.10",), "why", "example.org", None, "own")
    [plan] = with_costs([plan_of("", "v=spf1 mx ~all")], (mx, address), ())
    assert "asks DNS 1 of at most 10 times, 0 of at most 2 in vain" in plan.notes[0]
