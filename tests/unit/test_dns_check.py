"""Late, wrong or unknown: what `dns check` makes of servers that lag, lie, keep silent or are not signed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from ironpost.dns import zone
from ironpost.dns.authority import is_older
from ironpost.dns.check import Sight, check
from ironpost.dns.records import Scope
from ironpost.dns.recordset import RecordSet, record_set
from ironpost.dns.resolver import Resolver, first_answer
from ironpost.dns.survey import NameServers, Survey, survey
from ironpost.dns.zone import NameServer
from ironpost.settings import Rfc2136
from tests.dns_server import Answers, Records, serving
from tests.unit.test_dns_plan import KEY, row

MX = record_set("example.org", "MX", ("10 mx1.example.org.",), "why")
TLSA = record_set("_25._tcp.mx1.example.org", "TLSA", ("3 1 1 " + "ab" * 32,), "why", signed_only=True)
KEYED = {("example.org", "DNSKEY"): ("257 3 13 " + "A" * 86 + "==",)}
PRIMARY, SECONDARY = "127.0.0.1", "127.0.0.2"


def records(serial: int = 7, mx: str = "10 mx1.example.org.") -> Records:
    return {
        ("example.org", "SOA"): (f"ns1.example.org. hostmaster.example.org. {serial} 3600 600 604800 60",),
        ("example.org", "MX"): (mx,),
        ("_ironpost.example.org", "TXT"): (f'"{row("example.org/MX")}"',),
    }


class World:
    """A primary, a secondary and a resolver, each with its answers."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack
        self.primary, self.secondary = Answers(records()), Answers(records())
        self.resolver = Answers(records(), ttl=120)

    def look(self, *sets: RecordSet) -> tuple[Survey, list[Sight]]:
        first, second, third = (self.stack.enter_context(serving(each)) for each in self.all)
        servers = NameServers(NameServer(PRIMARY, first), NameServer(SECONDARY, second))
        servers.at(SECONDARY).address = "127.0.0.1"
        asked = [Resolver("127.0.0.1", third)]
        updates = Rfc2136(primary=PRIMARY, servers=(PRIMARY, SECONDARY), key=KEY)
        found = survey([Scope("example.org", updates, (), sets or (MX,))], {}, servers, asked)
        return found, check(found, asked, servers)

    @property
    def all(self) -> tuple[Answers, Answers, Answers]:
        return self.primary, self.secondary, self.resolver


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(zone, "QUERY_SECONDS", 0.2)
    with ExitStack() as stack:
        yield World(stack)


def told(sights: list[Sight]) -> list[tuple[str, str]]:
    return [(sight.state, sight.what) for sight in sights]


def test_a_zone_that_is_right_everywhere_gets_one_row(world: World) -> None:
    """Serial and number of servers, so that an auditor sees what was asked."""
    _, [sight] = world.look()
    assert sight.state == "right"
    assert sight.what == "example.org: 1 record set at 2 server addresses (serial 7) and 1 resolver; not signed"


def test_a_secondary_with_an_older_serial_is_late(world: World) -> None:
    """It asks its primary again within the refresh of its SOA."""
    world.secondary = Answers(records(6, "10 old.example.org."))
    _, [sight] = world.look()
    assert (sight.state, sight.left) == ("waiting", 3600)
    assert "shows 10 old.example.org.; has serial 6, 127.0.0.1 has 7; it asks again within 3600 s" in sight.what


def test_a_secondary_with_an_older_serial_and_the_same_records_is_late_too(world: World) -> None:
    """Something else in the zone has not arrived there."""
    world.secondary = Answers(records(6))
    _, [sight] = world.look()
    assert sight.state == "waiting" and "example.org SOA: is older" in sight.what


def test_a_server_with_the_same_serial_and_other_records_is_wrong(world: World) -> None:
    """No transfer will ever bring it right."""
    world.secondary = Answers(records(7, "10 old.example.org."))
    _, [sight] = world.look()
    assert sight.state == "wrong" and "see whether it receives the zone" in sight.what


def test_a_primary_that_fell_behind_its_secondary_is_told(world: World) -> None:
    """Restored from a backup: the secondary refuses the older serial for ever (RFC 1982)."""
    world.primary = Answers(records(6))
    _, sights = world.look()
    assert sights[0].state == "waiting" and "has serial 6, 127.0.0.1 has 7" in sights[0].what


def test_a_resolver_with_an_old_answer_waits_for_its_ttl(world: World) -> None:
    """The seconds are the resolver's own."""
    world.resolver = Answers(records(mx="10 old.example.org."), ttl=42)
    _, [sight] = world.look()
    assert (sight.state, sight.left) == ("waiting", 42)
    assert sight.what == "example.org MX: remembers 10 old.example.org.; waiting for TTL (42 s left)"


def test_a_remembered_denial_waits_as_well(world: World) -> None:
    """`no such name` is remembered for as long as the SOA says (RFC 2308 §5)."""
    denial = {place: values for place, values in records().items() if place[1] != "MX"}
    world.resolver = Answers(denial, ttl=300)
    _, [sight] = world.look()
    assert (sight.state, sight.left) == ("waiting", 60) and "remembers nothing" in sight.what


def test_a_silent_server_is_unknown(world: World) -> None:
    """Nothing is known of what it holds; the others are judged all the same."""
    world.secondary.silent = True
    found, sights = world.look()
    assert told(sights) == [("unknown", "the name server does not answer; see that it is up and reachable")]
    assert found.silent


def test_a_silent_resolver_is_unknown(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its users see nothing at all, which is not ours to judge."""
    monkeypatch.setattr("ironpost.dns.resolver.SECONDS", 0.2)
    world.resolver.silent = True
    _, [sight] = world.look()
    assert sight.state == "unknown" and "the resolver does not answer" in sight.what


def test_what_was_never_published_is_wrong(world: World) -> None:
    """Waiting would be in vain."""
    _, sights = world.look(MX, record_set("mx1.example.org", "A", ("192.0.2.1",), "why"))
    assert ("wrong", "mx1.example.org A: is nothing; run `ironpost dns plan`, then apply") in told(sights)


def signed(world: World) -> None:
    for each in world.all:
        each.records |= KEYED


def test_a_signed_zone_that_no_resolver_validates_is_wrong(world: World) -> None:
    """The parent lacks the DS, and DANE is not believed."""
    signed(world)
    _, [sight] = world.look()
    assert sight.state == "wrong" and "is signed and not validated; see that the parent zone has the DS" in sight.what


def test_a_resolver_that_validates_nothing_proves_nothing(world: World) -> None:
    """The provider's own often does not; the zone is not to blame."""
    signed(world)
    world.resolver.validates = False
    _, [sight] = world.look()
    assert sight.state == "unknown" and "this resolver validates nothing" in sight.what


def test_a_signed_zone_that_is_validated_is_right(world: World) -> None:
    """As it should be."""
    signed(world)
    world.resolver.secure = True
    _, [sight] = world.look()
    assert sight.state == "right" and sight.what.endswith("signed and validated")


def test_a_signature_that_does_not_hold_is_wrong(world: World) -> None:
    """Validating resolvers answer SERVFAIL, and mail stops; with checking off the answer is there."""
    signed(world)
    world.resolver.bogus = frozenset({"example.org"})
    _, sights = world.look()
    assert sights[0].state == "wrong" and "its DNSSEC signature does not hold" in sights[0].what


def test_a_server_that_serves_the_zone_unsigned_is_wrong(world: World) -> None:
    """Half of the world's resolvers would call the zone bogus."""
    world.primary.records |= KEYED
    world.resolver = replace(world.resolver, secure=True)
    _, sights = world.look()
    assert (
        "wrong",
        "example.org DNSKEY: is missing, and other servers have it; see whether it gets the signed zone",
    ) in told(sights)


def test_what_needs_a_signature_is_left_out_of_an_unsigned_zone(world: World) -> None:
    """Senders ignore TLSA there, and a plan that says so is better than one that pretends."""
    found, _ = world.look(MX, TLSA)
    [plan] = found.plans
    assert not [change for change in plan.changes if change.id.rtype == "TLSA"]
    assert "example.org: is not signed" in plan.notes[0] and "TLSA records would prove nothing" in plan.notes[0]


def test_it_is_planned_once_the_zone_is_signed(world: World) -> None:
    """And taken back when it is signed no more."""
    signed(world)
    found, _ = world.look(MX, TLSA)
    assert [change.sign for change in found.plans[0].changes if change.id.rtype == "TLSA"] == ["+"]


def test_a_domain_without_a_way_to_publish_is_compared_with_what_resolvers_hear(world: World) -> None:
    """People who paste want to know what is still to be pasted."""
    with serving(world.resolver) as port:
        spf = record_set("example.org", "TXT", ("v=spf1 mx ~all",), "why", "spf")
        other = record_set("example.org", "MX", ("10 else.example.org.",), "why")
        [right] = survey([Scope("example.org", None, (), (MX, spf))], {}, asked=[Resolver("127.0.0.1", port)]).by_hand
        [wrong] = survey([Scope("example.org", None, (), (other,))], {}, asked=[Resolver("127.0.0.1", port)]).by_hand
    assert [change.sign for change in right.changes] == ["=", "+"] and right.zone == "example.org"
    assert [change.sign for change in wrong.changes] == ["!"]


def test_the_next_resolver_is_asked_when_one_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """One resolver in maintenance is a normal day."""
    monkeypatch.setattr("ironpost.dns.resolver.SECONDS", 0.2)
    with serving(Answers(records(), silent=True)) as one, serving(Answers(records())) as other:
        asked = [Resolver("127.0.0.1", one), Resolver("127.0.0.1", other)]
        assert first_answer(asked, "example.org", "MX").values == ("10 mx1.example.org.",)


@pytest.mark.parametrize(("one", "other", "older"), [(6, 7, True), (7, 6, False), (7, 7, False), (2**32 - 1, 3, True)])
def test_serials_go_round(one: int, other: int, older: bool) -> None:
    """RFC 1982 §3.2: after the greatest number comes zero."""
    assert is_older(one, other) is older
