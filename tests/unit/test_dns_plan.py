"""What `dns plan` decides, without a name server: the wanted sets, the zone as seen, and the difference."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ironpost.dns.plan import Change, Decisions, ZonePlan, changes, places, refusals, registered
from ironpost.dns.records import Scope
from ironpost.dns.recordset import RecordSet, SetId, record_set
from ironpost.dns.registry import entries
from ironpost.dns.spf import merged_spf
from ironpost.dns.zone import Place, Seen
from ironpost.errors import DnsError
from ironpost.secret import Secret
from ironpost.settings import Rfc2136, TsigKey

KEY = TsigKey(name="k", secret=Secret.env("NOBODY_READS_THIS"))
UPDATES = Rfc2136(primary="192.0.2.53", servers=("192.0.2.53",), key=KEY)
MX = record_set("example.org", "MX", ("10 mx1.example.org.",), "why")
SPF = record_set("example.org", "TXT", ("v=spf1 mx ~all",), "why", "spf")
DMARC = record_set("_dmarc.example.org", "TXT", ("v=DMARC1; p=none",), "why", "dmarc")
REGISTRY = ("_ironpost.example.org", "TXT")


def row(which: str, rule: str = "own") -> str:
    return f"heritage=ironpost schema=1 set={which} rule={rule}"


def scope(*sets: RecordSet) -> Scope:
    return Scope("example.org", UPDATES, (), sets)


def plan(wanted: Scope, zone: Mapping[Place, Seen], decisions: Decisions | None = None) -> list[Change]:
    seen = {REGISTRY: Seen(), **zone}
    seen |= {place: seen.get(place, Seen()) for place in places(wanted, registered(wanted, seen))}
    return list(changes(wanted, seen, decisions or {}))


def test_what_is_missing_is_new_and_ours() -> None:
    """The first publication takes only empty places."""
    [change] = plan(scope(MX), {})
    assert (change.sign, change.after, change.rule, change.pending) == ("+", ("10 mx1.example.org.",), "own", True)


def test_what_somebody_else_published_waits_for_a_decision() -> None:
    """A first publication must not destroy a domain's existing mail."""
    theirs = Seen(("10 mail.provider.example.",))
    [change] = plan(scope(MX), {("example.org", "MX"): theirs})
    assert change.sign == "!" and not change.pending


@pytest.mark.parametrize(
    ("rule", "sign", "after"), [("own", "~", "10 mx1.example.org."), ("keep", "=", "10 theirs.example.")]
)
def test_a_decision_settles_a_conflict(rule: str, sign: str, after: str) -> None:
    """adopt replaces; keep leaves alone, and both are remembered in the registry."""
    theirs = {("example.org", "MX"): Seen(("10 theirs.example.",))}
    [change] = plan(scope(MX), theirs, {"example.org/MX": rule})  # type: ignore[dict-item]
    assert (change.sign, change.after, change.rule, change.pending) == (sign, (after,), rule, True)


def test_spf_terms_of_others_survive_a_merge() -> None:
    """Their newsletters go on passing; their `all` goes on deciding."""
    theirs = {("example.org", "TXT"): Seen(("google-site-verification=x", "v=spf1 include:news.example -all"))}
    [change] = plan(scope(SPF), theirs, {"example.org/TXT": "merge"})
    assert change.after == ("v=spf1 include:news.example mx -all",)
    assert change.before == ("v=spf1 include:news.example -all",)


def test_only_spf_can_be_merged() -> None:
    """Two DMARC policies do not add up to one."""
    theirs = {("_dmarc.example.org", "TXT"): Seen(("v=DMARC1; p=reject",))}
    with pytest.raises(DnsError, match="only SPF policies can be merged"):
        plan(scope(DMARC), theirs, {"_dmarc.example.org/TXT": "merge"})


def test_other_text_at_the_same_name_is_not_touched() -> None:
    """A domain's TXT records belong to many people."""
    ours = {
        ("example.org", "TXT"): Seen(("v=spf1 a ~all", "unrelated=1")),
        REGISTRY: Seen((row("example.org/TXT/spf"),)),
    }
    [change] = plan(scope(SPF), ours)
    assert (change.before, change.after) == (("v=spf1 a ~all",), ("v=spf1 mx ~all",))


def test_what_the_settings_name_no_longer_is_deleted_only_when_it_is_ours() -> None:
    """The registry says what is ours; nothing else is ever deleted."""
    zone = {("old.example.org", "A"): Seen(("192.0.2.9",)), ("theirs.example.org", "A"): Seen(("192.0.2.8",))}
    zone[REGISTRY] = Seen((row("old.example.org/A"),))
    [change] = plan(scope(), zone)
    assert (change.sign, change.id.name, change.after) == ("-", "old.example.org", ())


def test_what_depends_on_an_unread_host_is_unknown_and_kept() -> None:
    """A host that is down for an hour must not lose its keys."""
    unread = RecordSet(SetId("r1._domainkey.example.org", "TXT"), None, "why")
    zone = {("r1._domainkey.example.org", "TXT"): Seen(("v=DKIM1; k=rsa; p=AAAA",))}
    zone |= {("old._domainkey.example.org", "TXT"): Seen(("v=DKIM1; k=rsa; p=BBBB",))}
    zone[REGISTRY] = Seen((row("r1._domainkey.example.org/TXT"), row("old._domainkey.example.org/TXT")))
    found = plan(scope(unread), zone)
    assert [change.sign for change in found] == ["?", "?"]
    assert all(change.before == change.after for change in found)


def test_a_key_of_our_host_is_ours_also_after_the_registry_was_lost() -> None:
    """Else its rotation could neither revoke nor remove it."""
    wanted = record_set("s._domainkey.example.org", "TXT", ("v=DKIM1; k=rsa; p=AAAA",), "why")
    [change] = plan(scope(wanted), {("s._domainkey.example.org", "TXT"): Seen(("v=DKIM1; k=rsa; p=AAAA",))})
    assert (change.sign, change.rule, change.pending) == ("=", "own", True)


def test_a_revoked_selector_never_comes_back() -> None:
    """A stolen host that still runs tells its keys as before; the world must not be told to trust them again."""
    wanted = record_set("s._domainkey.example.org", "TXT", ("v=DKIM1; k=rsa; p=AAAA",), "why")
    zone = {("s._domainkey.example.org", "TXT"): Seen(("v=DKIM1; p=",))}
    zone[REGISTRY] = Seen((row("s._domainkey.example.org/TXT"),))
    [change] = plan(scope(wanted), zone, {"s._domainkey.example.org/TXT": "own"})
    assert change.sign == "!" and not change.pending and "dkim rotate" in change.reason


def test_an_alias_in_our_place_is_a_conflict() -> None:
    """Nothing may stand beside a CNAME (RFC 1034 §3.6.2)."""
    [change] = plan(scope(MX), {("example.org", "MX"): Seen(alias="elsewhere.example")}, {"example.org/MX": "own"})
    assert change.sign == "!" and "CNAME to elsewhere.example" in change.reason


def owned(count: int, changed: int) -> ZonePlan:
    wanted = [record_set(f"h{number}.example.org", "A", ("192.0.2.1",), "why") for number in range(count)]
    zone: dict[Place, Seen] = {
        (f"h{number}.example.org", "A"): Seen(("192.0.2.2" if number < changed else "192.0.2.1",))
        for number in range(count)
    }
    zone[REGISTRY] = Seen(tuple(row(f"h{number}.example.org/A") for number in range(count)))
    return ZonePlan("example.org", UPDATES, (), tuple(plan(scope(*wanted), zone)), zone)


@pytest.mark.parametrize(("count", "changed", "refused"), [(10, 3, False), (10, 4, True), (9, 9, False)])
def test_much_change_at_once_is_refused_from_ten_records_up(count: int, changed: int, refused: bool) -> None:
    """A wrong branch of the inventory must not empty a zone."""
    assert bool(refusals((owned(count, changed),))) is refused


def test_a_change_of_name_servers_is_refused() -> None:
    """NS at the apex is the zone itself."""
    ns = record_set("example.org", "NS", ("ns.elsewhere.example.",), "why")
    zone = {("example.org", "NS"): Seen(("ns1.example.net.",)), REGISTRY: Seen((row("example.org/NS"),))}
    plans = (ZonePlan("example.org", UPDATES, (), tuple(plan(scope(ns), zone)), zone),)
    assert "use --insist" in refusals(plans)[0]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("heritage=ironpost schema=2 set=a/A rule=own", "newer ironpost"),
        ("heritage=ironpost schema=1 set=a rule=own", "is no row of the registry"),
        ("heritage=ironpost schema=1 set=a/A rule=grab", "is no row of the registry"),
    ],
)
def test_a_registry_row_that_is_not_understood_stops_everything(value: str, told: str) -> None:
    """Guessing could delete records."""
    with pytest.raises(DnsError, match=told):
        entries("_ironpost.example.org", (value,))


def test_rows_of_others_in_the_registry_are_left_alone() -> None:
    """Another tool may use the same name."""
    assert entries("_ironpost.example.org", ("heritage=other set=a/A",)) == {}


@pytest.mark.parametrize(
    ("theirs", "merged"),
    [
        (("v=spf1 -all",), "v=spf1 mx -all"),
        (("v=spf1 mx include:a.example ?all",), "v=spf1 mx include:a.example ?all"),
        (("v=spf1 redirect=b.example",), "v=spf1 mx redirect=b.example"),
        (("v=spf1 a ~all", "v=spf1 ip4:192.0.2.1 -all"), "v=spf1 a ip4:192.0.2.1 mx -all"),
    ],
)
def test_policies_are_joined_without_losing_a_sender(theirs: tuple[str, ...], merged: str) -> None:
    """Nothing behind `all` is looked at (RFC 7208 §5.1)."""
    assert merged_spf("v=spf1 mx ~all", theirs) == merged


@pytest.mark.parametrize(("mode", "sign"), [("e", "?"), ("t", "?"), ("n", "-")])
def test_a_policy_that_senders_remember_is_not_deleted(mode: str, sign: str) -> None:
    """RFC 8461 §8.3: it is taken back by one that says none, and goes when nobody remembers it."""
    zone = {
        REGISTRY: Seen((row("_mta-sts.example.org/TXT/sts"),)),
        ("_mta-sts.example.org", "TXT"): Seen((f"v=STSv1; id={mode}0123",)),
    }
    [change] = plan(scope(), zone)
    assert (change.sign, change.pending) == (sign, sign == "-")
    assert sign == "-" or 'mta_sts="none"' in change.reason


def test_a_policy_waits_for_the_web_server_as_an_mx_does_for_mail() -> None:
    """Announced and not served, it would only teach senders that ours cannot be fetched."""
    sts = record_set("_mta-sts.example.org", "TXT", ("v=STSv1; id=e1",), "why", "sts")
    [change] = plan(scope(sts), {})
    assert change.pending and change.after_contact
