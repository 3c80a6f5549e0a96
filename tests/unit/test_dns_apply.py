"""What `ironpost dns apply` says of certificates, and what hosts hear before their records change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ironpost.dns import apply as publication
from ironpost.dns.apply import Lack, Outcome, apply, held_back, replace_keys
from ironpost.dns.plan import Change, ZonePlan
from ironpost.dns.records import Scope
from ironpost.dns.recordset import SetId
from ironpost.dns.shown import plan_lines
from ironpost.dns.survey import Survey
from ironpost.dns.zone import Seen
from ironpost.errors import HostError
from ironpost.mailhost import MailHost
from ironpost.settings import Acme
from tests.unit.test_dns_plan import UPDATES

HOST = MailHost(name="mx1.example.org", certificate=Acme(contact="a@example.org", challenge="http-01"))
OTHER = MailHost(name="mx2.example.org", certificate=Acme(contact="a@example.org", challenge="http-01"))
SAID = "mx1.example.org: got no certificate (the authority is down); see that it reaches port 80, then run this again"
KEYS = Change("~", SetId("_25._tcp.mx1.example.org", "TLSA"), ("a",), ("b",), "why", "example.org", "own", "own")
NEW = Change("+", SetId("_25._tcp.mx2.example.org", "TLSA"), (), ("b",), "why", "example.org", None, "own")
MX = Change("+", SetId("example.org", "MX"), (), ("10 mx1.example.org.",), "why", "example.org", None, "own")
FLEET: Any = type("Fleet", (), {"mailhosts": (HOST, OTHER), "vantage_points": ()})()


def zone(*changes: Change) -> ZonePlan:
    seen = {(KEYS.id.name, "TLSA"): Seen(("a",), 3600), (NEW.id.name, "TLSA"): Seen()}
    return ZonePlan("example.org", UPDATES, (Scope("example.org", UPDATES, (HOST, OTHER), ()),), changes, seen)


def test_a_host_that_got_no_certificate_is_told_although_nothing_is_to_be_published() -> None:
    """One sentence, once; `held` is what makes the command exit 1."""
    told: list[str] = []
    lacking = {HOST.name: Lack(SAID, served=False)}
    [outcome] = apply(FLEET, Survey(plans=[zone()]), {}, told.append, lambda hosts: lacking)
    assert outcome.held == [SAID] and told == [f"example.org: nothing published; {SAID}"]


def test_a_plan_says_that_a_certificate_is_to_be_fetched() -> None:
    """Also where no record changes, so that whoever applies only what is pending does not pass it by."""
    due = "mx1.example.org: fetches a certificate (none was issued yet)"
    scope = Scope("example.org", UPDATES, (HOST,), (), due=(due,))
    lines = list(plan_lines(Survey(plans=[replace(zone(), scopes=(scope,))]), []))
    assert f"  due: {due}" in lines and lines[-1] == "changes are pending"


def test_an_mx_waits_for_a_certificate_but_not_for_a_newer_one() -> None:
    """A host that serves a good one takes mail safely, whatever its authority says today."""
    outcome = Outcome(zone(MX))
    assert held_back(FLEET, outcome, MX, [], {HOST.name: Lack(SAID, served=False)}) == (SAID,)


def test_a_newer_certificate_that_did_not_come_holds_no_mx_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told all the same."""
    silent = type("Found", (), {"silence": ()})()
    monkeypatch.setattr(publication, "contact", lambda fleet, hosts: silent)
    monkeypatch.setattr(publication, "needs_policy", lambda fleet, change: False)
    assert held_back(FLEET, Outcome(zone(MX)), MX, [], {HOST.name: Lack(SAID, served=True)}) == ()


def test_a_host_hears_how_long_caches_may_hold_the_keys_that_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the TTL that DNS shows, not the one that the settings name from now on."""
    order: list[Any] = []
    monkeypatch.setattr(publication, "publish_more", lambda *_: order.append("published"))
    outcome = Outcome(zone(KEYS, NEW))
    replace_keys(outcome, {}, lambda host, ttl: order.append((host.name, ttl)))
    assert order == [(HOST.name, 3600), "published"]


def test_keys_of_a_host_that_cannot_hear_it_are_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would count on records that no cache has."""
    monkeypatch.setattr(publication, "publish_more", lambda *_: pytest.fail("published"))

    def deaf(host: MailHost, ttl: int) -> None:
        raise HostError(f"{host.name}: does not answer")

    outcome = Outcome(zone(KEYS))
    replace_keys(outcome, {}, deaf)
    assert outcome.error == "mx1.example.org: does not answer" and outcome.silent
