"""Controls of zones, name servers and DNSSEC on evidence made by hand: each seen to hold and to break."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ironpost.compliance.places import report_domains
from ironpost.compliance.zone import shown
from ironpost.controls import dmarc_policy, dnssec, nameservers, spf_policy
from ironpost.controls import zone as zones
from ironpost.controls.control import control_of
from ironpost.dns.recordset import rdata_of
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.world import Echo, Server, World
from ironpost.evidence.zone import Answer, Zone
from tests.unit.test_controls import Host, zone

KEY = "257 3 13 oJMRESz5E4gYzS/q6XDrvU1qMPYIjCWzJaOau8XNEZeqCYKD5ar0IRd8KqXXFJkqmVfRvMGPmM1x8fGAa2XhSA=="
HEALTHY = (Server("192.0.2.53", 7, 7, updates="REFUSED"), Server("198.51.100.53", 7, 7, updates="NOTAUTH"))
SIX = (Server("2001:db8:53::53", 7, 7, updates="REFUSED"),)


def state(claimed: type, seen: Probes) -> tuple[str, str]:
    control = control_of(claimed)
    assert control.outside
    verdict = control.outside(Host(), seen)
    return verdict.state, verdict.found


def probes(seen: Zone | None = None, world: World | None = None, **parts: Any) -> Probes:
    return Probes({"addresses": {"192.0.2.1": parts}, "sources": []}, zone_seen=seen, world_seen=world)


def behaving(*servers: Server) -> Probes:
    return probes(world=World({}, {"example.org": servers}))


@pytest.mark.parametrize(
    ("servers", "told"),
    [
        (HEALTHY + SIX, ""),
        (HEALTHY, "its IPv6 name servers are in 0 networks"),
        ((HEALTHY[0], Server("192.0.2.54", 7, 7), *SIX), "its IPv4 name servers are in 1 network"),
        ((HEALTHY[0], Server("198.51.100.53", 6, 6), *SIX), "the servers have different serial numbers"),
        ((HEALTHY[0], Server("198.51.100.53", 7, None), *SIX), "198.51.100.53: no answer for example.org by TCP"),
        ((HEALTHY[0], Server("198.51.100.53", None, 7), *SIX), "198.51.100.53: no answer for example.org by UDP"),
    ],
)
def test_name_servers_must_be_two_and_agree(servers: tuple[Server, ...], told: str) -> None:
    """In different networks, by both transports, over both kinds of address."""
    verdict, found = state(nameservers.NameServersAreTwoAndAgree, behaving(*servers))
    assert verdict == ("broken" if told else "holds") and told in found


@pytest.mark.parametrize(
    ("claimed", "change"),
    [
        (nameservers.NameServersDoNotRecurse, {"recurses": True}),
        (nameservers.ZonesAreNotGivenAway, {"transfers": True}),
        (nameservers.UnsignedUpdatesAreRefused, {"updates": "NOERROR"}),
    ],
)
def test_a_server_that_does_too_much_for_strangers_is_found(claimed: type, change: dict[str, Any]) -> None:
    """One of three is enough."""
    assert state(claimed, behaving(*HEALTHY))[0] == "holds"
    loose = dataclasses.replace(HEALTHY[1], **change)
    verdict, found = state(claimed, behaving(HEALTHY[0], loose))
    assert verdict == "broken" and "198.51.100.53" in found


@pytest.mark.parametrize(
    ("policy", "cost"),
    [
        ("v=spf1 mx ~all", (1, 0)),
        ("v=spf1 include:other.example a:gone.example ~all", (3, 1)),
        ("v=spf1 redirect=other.example", (2, 0)),
        ("v=spf1 ip4:192.0.2.1 -all", (0, 0)),
    ],
)
def test_lookups_are_counted_on_what_the_servers_showed(policy: str, cost: tuple[int, int]) -> None:
    """By code of its own, not by that of the plan."""
    seen = zone(
        example_org__TXT=policy,
        example_org__MX="10 mx1.example.org",
        other_example__TXT="v=spf1 a -all",
        other_example__A="192.0.2.3",
        other_example__AAAA="",
        gone_example__A="",
        gone_example__AAAA="",
    )
    assert spf_policy.counted(seen, "example.org") == cost


@pytest.mark.parametrize(
    ("policy", "claimed", "told"),
    [
        ("v=DMARC1; p=reject; rua=mailto:a@example.org", dmarc_policy.DmarcAsksForAction, ""),
        ("v=DMARC1; p=none", dmarc_policy.DmarcAsksForAction, "p=none, without a date on which that ends"),
        ("v=DMARC1; p=quarantine; t=y", dmarc_policy.DmarcAsksForAction, "t=y"),
        ("", dmarc_policy.DmarcAsksForAction, "has no DMARC policy"),
        ("v=DMARC1; p=reject", dmarc_policy.DmarcCoversWhatIsBelow, ""),
        ("v=DMARC1; p=reject; sp=none", dmarc_policy.DmarcCoversWhatIsBelow, "sp=none is weaker"),
        ("v=DMARC1; p=reject; np=quarantine", dmarc_policy.DmarcCoversWhatIsBelow, "np=quarantine is weaker"),
        ("v=DMARC1; p=reject; rua=mailto:a@example.org", dmarc_policy.DmarcReportsArrive, ""),
        ("v=DMARC1; p=reject; rua=mailto:b@example.org", dmarc_policy.DmarcReportsArrive, "b@example.org is not a"),
        ("v=DMARC1; p=reject; rua=mailto:x@yes.example", dmarc_policy.DmarcReportsArrive, ""),
        ("v=DMARC1; p=reject; rua=mailto:x@no.example", dmarc_policy.DmarcReportsArrive, "no.example does not agree"),
        ("v=DMARC1; p=reject", dmarc_policy.DmarcReportsArrive, "rua names no address"),
    ],
)
def test_dmarc_is_judged_as_published(policy: str, claimed: type, told: str) -> None:
    """By what it asks for, of which names, and where reports go."""
    records = {
        ("_dmarc.example.org", "TXT"): policy,
        ("example.org._report._dmarc.yes.example", "TXT"): "v=DMARC1",
        ("example.org._report._dmarc.no.example", "TXT"): "",
    }
    seen = Zone({place: (Answer("ns", tuple(filter(None, [value]))),) for place, value in records.items()})
    verdict, found = state(claimed, probes(seen, reports={"a@example.org": [250, []], "b@example.org": [550, []]}))
    assert verdict == ("broken" if told else "holds") and told in found


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (('0 issue "ca.example"', '0 issuewild ";"', '0 issuemail ";"', '0 iodef "mailto:a@b.example"'), []),
        ((), ["names no authority"]),
        (
            ('0 issue "other.example; accounturi=x"',),
            [
                "other.example may issue, which the inventory does not name",
                "issuewild is open",
                "issuemail is open",
                "iodef names nobody to tell of a refused request",
            ],
        ),
    ],
)
def test_what_caa_leaves_open_is_told(values: tuple[str, ...], told: list[str]) -> None:
    """An empty set lets everybody issue (RFC 8659 §3)."""
    assert zones.loose(values, Host()) == told  # type: ignore[arg-type]


def heard(*ds: str, secure: bool = True, bogus: bool = False) -> World:
    echo = Echo("192.0.2.5", ds, secure, bogus, "SERVFAIL" if bogus else None)
    places = [("example.org", rtype) for rtype in ("DS", "SOA", "MX", "TXT")] + [("mx1.example.org", "A")]
    root = Echo("192.0.2.5", secure=True)
    return World(dict.fromkeys(places, (echo,)) | {(".", "SOA"): (root,)}, {})


GOOD = dnssec.digests("example.org", KEY)[0]


@pytest.mark.parametrize(
    ("claimed", "world", "told"),
    [
        (dnssec.DomainsValidate, heard(GOOD), ""),
        (dnssec.DomainsValidate, heard(GOOD, secure=False), "does not find it signed"),
        (dnssec.DomainsValidate, heard(GOOD, bogus=True), "SERVFAIL"),
        (dnssec.DnssecIsModern, heard(GOOD), ""),
        (dnssec.DnssecIsModern, heard("12345 5 2 " + "ab" * 32), "DS of algorithm 5"),
        (dnssec.DnssecIsModern, heard("12345 13 1 " + "ab" * 20), "DS of digest type 1"),
        (dnssec.DsBelongsToAKey, heard(GOOD), ""),
        (dnssec.DsBelongsToAKey, heard(GOOD, "12345 13 2 " + "ab" * 32), "belongs to no key"),
        (dnssec.DsBelongsToAKey, heard(), "no DS belongs to a key of the zone"),
    ],
)
def test_dnssec_is_judged_by_what_resolvers_hear(claimed: type, world: World, told: str) -> None:
    """Signed, with keys of today, and the parent knows them."""
    verdict, found = state(claimed, probes(zone(example_org__DNSKEY=KEY), world))
    assert verdict == ("broken" if told else "holds") and told in found


def test_a_resolver_that_cannot_be_asked_proves_nothing() -> None:
    """Unknown, never held."""
    silent = World({(".", "SOA"): (Echo("192.0.2.5", error="no answer"),)}, {})
    careless = World({(".", "SOA"): (Echo("192.0.2.5"),)}, {})
    for world, why in ((silent, "no answer"), (careless, "validates nothing")):
        with pytest.raises(NotCollectedError, match=why):
            state(dnssec.DomainsValidate, probes(world=world))


def test_zones_that_were_not_compared_are_unknown() -> None:
    """A host that cannot be read has keys that nobody knows."""
    with pytest.raises(NotCollectedError, match="mx1: no route"):
        state(zones.ZonesAreAsTheInventorySays, probes(world=World({}, {}, (), ("mx1: no route",))))
    assert state(zones.ZonesAreAsTheInventorySays, probes(world=World({}, {}, ("a", "b"))))[0] == "broken"


@pytest.mark.parametrize(
    ("rtype", "value", "text"),
    [
        ("MX", "0 .", "0 ."),
        ("MX", "10 MX1.example.org.", "10 mx1.example.org"),
        ("SRV", "0 0 0 .", "0 0 0 ."),
        (
            "CAA",
            '0 issue "ca.example; accounturi=https://ca.example/Acct"',
            '0 issue "ca.example; accounturi=https://ca.example/Acct"',
        ),
    ],
)
def test_values_are_kept_as_controls_read_them(rtype: str, value: str, text: str) -> None:
    """The root is a name too, and case matters in CAA."""
    assert shown(rdata_of(rtype, value)) == text


def test_only_foreign_report_domains_need_an_agreement() -> None:
    """Above and below the domain it is one organisation."""
    record = Answer(
        "ns", ("v=DMARC1; p=none; rua=mailto:a@example.org,mailto:b@sub.example.org!10m,mailto:c@else.example",)
    )
    assert list(report_domains("example.org", (record,))) == ["else.example"]
