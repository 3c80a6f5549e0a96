"""Controls of what others rely on, on evidence made by hand: each seen to hold and to break."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from ironpost.controls import client_certificates, delegation, dmarc_policy, proofs, signatures, smarthosts, withdrawal
from ironpost.controls.control import control_of
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.evidence.world import Echo, Server, World
from ironpost.evidence.zone import Answer, Zone
from tests.unit.test_controls import Host, zone

RESOLVER = "192.0.2.5"
OWNER = "_25._tcp.mx1.example.org"
SERVERS = {"ns1.example.org": "192.0.2.53", "ns2.example.org": "198.51.100.53"}


class Zoned(Host):
    """A host whose domain is published at two servers, and promises nothing (any more)."""

    mta_sts: str | None = None

    @property
    def domains(self) -> tuple[Any, ...]:
        updates = SimpleNamespace(servers=tuple(SERVERS.values()))
        return (SimpleNamespace(name="example.org", dns=updates, mta_sts=self.mta_sts),)


class Promising(Zoned):
    mta_sts = "enforce"


def outside(claimed: type, seen: Probes, host: Any = None, strict: bool = False) -> tuple[str, str]:
    control = control_of(claimed)
    judge = dict(control.strict)["outside"] if strict else control.outside
    assert judge
    verdict = judge(host or Host(), seen)
    return verdict.state, verdict.found


def probes(seen: Zone | None = None, world: World | None = None) -> Probes:
    return Probes({"addresses": {"192.0.2.1": {}}, "sources": []}, zone_seen=seen, world_seen=world)


@pytest.mark.parametrize(("value", "told"), [("1 0 0 -", ""), ("1 0 10 -", "10 extra rounds"), ("1 0 0 AB", "salt AB")])
def test_hashed_denials_are_cheap(value: str, told: str) -> None:
    """RFC 9276: each round costs every resolver of the world."""
    state, found = outside(proofs.DenialsAreCheap, probes(zone(example_org__NSEC3PARAM=value)))
    assert state == ("broken" if told else "holds") and told in found


@pytest.mark.parametrize(
    ("days", "states"),
    [(14.0, ("holds", "holds")), (4.0, ("holds", "broken")), (2.9, ("broken",) * 2), (None, ("broken",) * 2)],
)
def test_signatures_hold_over_a_weekend(days: float | None, states: tuple[str, str]) -> None:
    """The second server counts as much as the first; at strict the alarm comes earlier."""
    servers = (Server("192.0.2.53", signed_days=14.0), Server("198.51.100.53", signed_days=days))
    seen = probes(world=World({}, {"example.org": servers}))
    found = [outside(proofs.SignaturesHoldForDays, seen, strict=strict)[0] for strict in (False, True)]
    assert tuple(found) == states


@pytest.mark.parametrize(
    ("echo", "state"),
    [
        (Echo(RESOLVER, secure=True), "holds"),
        (Echo(RESOLVER), "broken"),
        (Echo(RESOLVER, bogus=True, error="answers SERVFAIL: its DNSSEC signature does not hold"), "broken"),
        (Echo(RESOLVER, error="answers SERVFAIL: no name server of the zone could be asked"), "broken"),
        (Echo(RESOLVER, error="the resolver does not answer"), None),
    ],
)
def test_denials_at_the_names_of_tlsa_records_are_proven(echo: Echo, state: str | None) -> None:
    """A silent resolver proves nothing either way."""
    root = {(".", "SOA"): (Echo(RESOLVER, secure=True),)}
    world = World({(OWNER, rtype): (echo,) for rtype in ("A", "MX")} | root, {})
    if state is None:
        with pytest.raises(NotCollectedError):
            outside(proofs.DenialsAroundTlsaValidate, probes(world=world))
    else:
        assert outside(proofs.DenialsAroundTlsaValidate, probes(world=world))[0] == state


def named(parent: tuple[str, ...] | None, own: dict[str, str]) -> World:
    echoes = {("example.org", "NS"): (Echo(RESOLVER, tuple(f"{name}." for name in own)),)}
    for name, address in own.items():
        echoes[name, "A"] = (Echo(RESOLVER, (address,) if address else ()),)
        echoes[name, "AAAA"] = (Echo(RESOLVER),)
    return World(echoes, {}, delegations={"example.org": parent})


THIRD = SERVERS | {"ns3.example.org": "192.0.2.54"}


@pytest.mark.parametrize(
    ("world", "told"),
    [
        (named(tuple(SERVERS), SERVERS), ""),
        (named((*SERVERS, "old.example.net"), SERVERS), "its parent names old.example.net, the zone does not"),
        (named(tuple(SERVERS), THIRD), "the zone names ns3.example.org, its parent does not"),
        (named(tuple(THIRD), THIRD), "ns3.example.org stands not in servers="),
        (named(tuple(SERVERS), SERVERS | {"ns2.example.org": ""}), "its name server ns2.example.org has no address"),
    ],
)
def test_parent_zone_and_inventory_name_the_same_servers(world: World, told: str) -> None:
    """A rollover waits for the servers of the inventory: one that it does not know shows the old key on."""
    state, found = outside(delegation.DelegationAgrees, probes(world=world), Zoned())
    assert state == ("broken" if told else "holds") and told in found


def test_a_parent_that_cannot_be_asked_is_no_agreement() -> None:
    """Unknown, never held."""
    with pytest.raises(NotCollectedError, match="above it"):
        outside(delegation.DelegationAgrees, probes(world=named(None, SERVERS)), Zoned())


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ("v=DMARC1; p=reject; adkim=s; aspf=s; rua=mailto:a@example.org", ""),
        ("v=DMARC1; p=reject; adkim=s; rua=mailto:a@example.org", "aspf=r"),
        ("v=DMARC1; p=reject; adkim=s; aspf=s; psd=y; rua=mailto:a@example.org", "psd=y"),
    ],
)
def test_alignment_is_strict_where_strict_is_asked_for(policy: str, told: str) -> None:
    """Both tags: one alone leaves the other way open."""
    state, found = outside(dmarc_policy.AlignmentIsStrict, probes(text("_dmarc.example.org", policy)))
    assert state == ("broken" if told else "holds") and told in found


def text(name: str, value: str) -> Zone:
    return Zone({(name, "TXT"): (Answer("ns", (value,) if value else ()),)})


def inside(claimed: type, raw: dict[str, Any], host: Any = None) -> tuple[str, str]:
    control = control_of(claimed)
    assert control.inside
    verdict = control.inside(host or Host(), Snapshot(raw))
    return verdict.state, verdict.found


@pytest.mark.parametrize(
    ("symbols", "state"),
    [
        (["RSA_SHA1_REFUSED", "R_DKIM_PERMFAIL"], "holds"),
        (["R_DKIM_PERMFAIL"], "broken"),
        (["RSA_SHA1_REFUSED", "R_DKIM_ALLOW"], "broken"),
    ],
)
def test_old_signatures_are_refused_by_the_running_filter(symbols: list[str], state: str) -> None:
    """A rule in a file that was not loaded refuses nothing."""
    assert inside(signatures.Sha1SignsNothing, {"old_signature": {"symbols": symbols}})[0] == state


def test_a_filter_that_could_not_be_asked_refuses_nothing() -> None:
    """Unknown, with why."""
    with pytest.raises(NotCollectedError, match="no such socket"):
        inside(signatures.Sha1SignsNothing, {"old_signature": {"error": "no such socket"}})
    with pytest.raises(NotCollectedError):
        inside(signatures.Sha1SignsNothing, {})


POSTFIX = {
    "relayhost": "",
    "smtp_fallback_relay": "",
    "default_transport": "smtp",
    "transport_maps": "",
    "sender_dependent_relayhost_maps": "",
    "smtp_tls_policy_maps": "socketmap:unix:/run/x:postfix",
    "smtp_sasl_auth_enable": "no",
    "smtp_sasl_security_options": "noplaintext, noanonymous",
    "relay_clientcerts": "",
    "smtpd_tls_ask_ccert": "no",
    "smtpd_tls_req_ccert": "no",
    "smtpd_tls_CAfile": "",
    "smtpd_tls_CApath": "",
    "tls_append_default_CA": "no",
    **{f"smtpd_{kind}_restrictions": "" for kind in client_certificates.LISTS},
}
SERVICES = "smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\n4465 inet n - n - - smtpd\n"
OWN = "4465/inet/smtpd_tls_req_ccert = yes\n4465/inet/smtpd_tls_CAfile = /etc/ssl/ironpost/clients.pem\n"
WAY = "[relay.example.net]:587"
VIA = {
    "relayhost": WAY,
    "smtp_sasl_auth_enable": "yes",
    "smtp_tls_policy_maps": f"{smarthosts.LINES}, socketmap:unix:/run/x:postfix",
}


def configured(changes: dict[str, str], tables: dict[str, dict[str, str]] | None = None) -> dict[str, Any]:
    main = "\n".join(f"{name} = {value}" for name, value in (POSTFIX | changes).items() if "/" not in name)
    overrides = OWN + "\n".join(f"{name} = {value}" for name, value in changes.items() if "/" in name)
    texts = {"main": {"text": main}, "services": {"text": SERVICES}, "overrides": {"text": overrides}}
    return {"postfix": texts | {"relaying": {"smarthosts": {}, "smarthost_tls": {}} | (tables or {})}}


RELAYED = dataclasses.replace(Host(), smarthosts=(SimpleNamespace(host="relay.example.net", port=587),))
CARDED = dataclasses.replace(Host(), client_certificates=SimpleNamespace(port=4465))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, ""),
        ({"smtp/inet/smtpd_tls_ask_ccert": "yes"}, "smtp/inet asks for client certificates"),
        ({"smtpd_relay_restrictions": "permit_tls_all_clientcerts, reject"}, "lets in whoever has a certificate"),
        ({"relay_clientcerts": "texthash:/etc/postfix/x"}, "relays for relay_clientcerts"),
        ({"4465/inet/smtpd_tls_CAfile": "/etc/ssl/certs/ca-certificates.crt"}, "believes /etc/ssl/certs"),
        ({"4465/inet/smtpd_tls_req_ccert": "no"}, "takes mail without a certificate"),
        ({"tls_append_default_CA": "yes"}, "the system's authorities besides"),
    ],
)
def test_certificates_of_public_authorities_open_nothing(changes: dict[str, str], told: str) -> None:
    """Each way by which whoever has a web site could send as a printer."""
    state, found = inside(client_certificates.PublicAuthoritiesOpenNothing, configured(changes), CARDED)
    assert state == ("broken" if told else "holds") and told in found, found


@pytest.mark.parametrize(
    ("changes", "said", "told"),
    [
        (VIA, "secure match=relay.example.net", ""),
        (VIA, "may", "what TLS must be is may"),
        (VIA, "secure match=other.example.net", "what TLS must be is secure match=other.example.net"),
        (
            VIA | {"relayhost": "[other.example.net]"},
            "secure match=relay.example.net",
            "relayhost = [other.example.net]",
        ),
        (VIA | {"smtp_sasl_security_options": "noanonymous"}, "secure match=relay.example.net", "in clear text"),
        (VIA | {"smtp_tls_policy_maps": ""}, "secure match=relay.example.net", "does not begin with"),
    ],
)
def test_smarthosts_are_verified(changes: dict[str, str], said: str, told: str) -> None:
    """A password for whoever answers is a password for everybody."""
    raw = configured(changes, {"smarthost_tls": {WAY: said}})
    state, found = inside(smarthosts.SmarthostsAreVerified, raw, RELAYED)
    assert state == ("broken" if told else "holds") and told in found, found


def test_without_a_smarthost_nothing_goes_through_one() -> None:
    """A relay that somebody added by hand reads all mail."""
    assert inside(smarthosts.SmarthostsAreVerified, configured({}))[0] == "holds"
    for changes in ({"relayhost": WAY}, {"smtp_sasl_auth_enable": "yes"}, {"smtp_fallback_relay": WAY}):
        assert inside(smarthosts.SmarthostsAreVerified, configured(changes))[0] == "broken"


@pytest.mark.parametrize(
    ("host", "shown", "state"),
    [
        (Zoned(), "", "holds"),
        (Zoned(), "v=STSv1; id=n0123", "holds"),
        (Zoned(), "v=STSv1; id=e0123", "broken"),
        (Promising(), "v=STSv1; id=e0123", "holds"),
        (Promising(), "", "broken"),
    ],
)
def test_a_policy_ends_by_one_that_says_none(host: Host, shown: str, state: str) -> None:
    """Senders remember mode enforce for weeks."""
    policy = {"policy": {"text": "version: STSv1\nmode: enforce\nmx: mx1.example.org\nmax_age: 2419200\n"}}
    raw = {"addresses": {"192.0.2.1": {"policy/example.org": policy}}, "sources": []}
    seen = Probes(raw, zone_seen=text("_mta-sts.example.org", shown))
    assert outside(withdrawal.PoliciesDoNotVanish, seen, host)[0] == state
