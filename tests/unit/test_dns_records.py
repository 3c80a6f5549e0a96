"""Which record sets follow from an inventory: every one that a domain needs, and none that would harm it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpost.dns.records import Scope, SshKey, Told, scopes
from ironpost.errors import InventoryError
from ironpost.fleet import Fleet
from ironpost.inventory import read_inventory
from tests.inventories import mailhost, write_inventory

DNS = 'Rfc2136(primary="192.0.2.53", servers=["192.0.2.53"], key=TsigKey(name="k", secret=Secret.command(["true"])))'
SECOND = {"name": '"mx2.example.org"', "ipv4": '"127.0.0.2"'}


def fleet_of(folder: Path, *hosts: str, options: str = "") -> Fleet:
    return read_inventory(write_inventory(folder, *hosts, options=options))


def domain(**settings: str) -> str:
    said = {"name": '"example.org"', "users": '"users/example.org.toml"'} | settings
    return "[Domain(" + ", ".join(f"{name}={text}" for name, text in said.items()) + ")]"


def wanted(fleet: Fleet, told: Told | None = None) -> dict[str, tuple[str, ...]]:
    """`name TYPE` → values of all scopes, every host having told this."""
    tellings = {each.name: told or Told() for each in fleet.mailhosts}
    found = scopes(fleet.mailhosts, tellings, fleet.parked)
    return {f"{each.id.name} {each.id.rtype}": each.values or () for scope in found for each in scope.sets}


def test_every_set_says_why(tmp_path: Path) -> None:
    """Operators publish what they understand."""
    options = 'parked=[Parked(name="sleeping.example")]'
    fleet = fleet_of(tmp_path, mailhost(certificate_authorities='["ca.example"]'), options=options)
    assert all(each.reason for scope in scopes(fleet.mailhosts, {}, fleet.parked) for each in scope.sets)


def test_two_hosts_serve_one_domain_in_their_order(tmp_path: Path) -> None:
    """The second takes over where the first does not answer."""
    shared = domain(dkim='Dkim(rsa="r2", ed25519="e2")')
    found = wanted(fleet_of(tmp_path, mailhost(), mailhost(**SECOND, domains=shared, mx_preference="20")))
    assert found["example.org MX"] == ("10 mx1.example.org.", "20 mx2.example.org.")
    assert found["_imaps._tcp.example.org SRV"] == ("0 1 993 mx1.example.org.", "0 1 993 mx2.example.org.")
    assert found["mx2.example.org A"] == ("127.0.0.2",)


def test_a_subdomain_is_a_domain_of_its_own(tmp_path: Path) -> None:
    """Its records stand with it, and the host's stand with the domain that the host's name lies in."""
    below = domain(name='"shop.example.org"', users='"users/example.org.toml"')
    fleet = fleet_of(tmp_path, mailhost(domains=domain()[:-1] + ", " + below[1:]))
    by_name = {scope.name: [each.id.name for each in scope.sets] for scope in scopes(fleet.mailhosts, {})}
    assert "mx1.example.org" in by_name["example.org"] and "mx1.example.org" not in by_name["shop.example.org"]
    assert "_dmarc.shop.example.org" in by_name["shop.example.org"]


@pytest.mark.parametrize(
    ("settings", "policy"),
    [
        ({}, "v=spf1 mx ~all"),
        ({"spf": '"-all"'}, "v=spf1 mx -all"),
        ({"spf_flat": "True"}, "v=spf1 ip4:127.0.0.1 ip6:2001:db8::1 ~all"),
        (
            {"also_sends": '["_spf.news.example", "192.0.2.64/28", "2001:db8::/64", "192.0.2.9"]'},
            "v=spf1 mx include:_spf.news.example ip4:192.0.2.64/28 ip6:2001:db8::/64 ip4:192.0.2.9 ~all",
        ),
    ],
)
def test_spf_names_all_who_send(tmp_path: Path, settings: dict[str, str], policy: str) -> None:
    """By mx, which follows the hosts, or flat, which costs receivers no lookup (RFC 7208 §4.6.4)."""
    host = mailhost(domains=domain(**settings), ipv6='"2001:db8::1"')
    assert wanted(fleet_of(tmp_path, host))["example.org TXT"] == (policy,)


def test_reports_may_go_to_several_addresses_and_foreign_ones_are_agreed_to(tmp_path: Path) -> None:
    """Without the agreement receivers send none (RFC 9990), so it is published where that zone is ours."""
    one = domain(dmarc_reports='["a@example.org", "b@example.net"]')
    two = domain(name='"example.net"', users='"users/example.org.toml"')
    found = wanted(fleet_of(tmp_path, mailhost(domains=one[:-1] + ", " + two[1:])))
    assert found["_dmarc.example.org TXT"][0].endswith("rua=mailto:a@example.org,mailto:b@example.net")
    assert found["example.org._report._dmarc.example.net TXT"] == ("v=DMARC1",)
    assert found["example.net._report._dmarc.example.org TXT"] == ("v=DMARC1",)  # its admin is anna@example.org


def test_what_is_off_is_said_to_be_off(tmp_path: Path) -> None:
    """A program that finds "." does not try the port without TLS (RFC 6186 §3.4)."""
    found = wanted(fleet_of(tmp_path, mailhost()))
    for service in ("_submission", "_imap", "_pop3"):
        assert found[f"{service}._tcp.example.org SRV"] == ("0 0 0 .",)
    assert "_sieve._tcp.example.org SRV" not in found


def test_what_was_opened_is_found_after_the_better_way(tmp_path: Path) -> None:
    """An operator who opens IMAP with STARTTLS wants it found, and used last."""
    found = wanted(fleet_of(tmp_path, mailhost(cleartext_ports='["imap", "managesieve"]')))
    assert found["_imap._tcp.example.org SRV"] == ("20 1 143 mx1.example.org.",)
    assert found["_sieve._tcp.example.org SRV"] == ("0 1 4190 mx1.example.org.",)
    assert found["_pop3._tcp.example.org SRV"] == ("0 0 0 .",)


def test_authorities_are_named_at_the_host_and_not_above_it(tmp_path: Path) -> None:
    """A CAA set at the domain would decide over the certificates of its web site."""
    found = wanted(fleet_of(tmp_path, mailhost(certificate_authorities='["ca.example"]')))
    assert found["mx1.example.org CAA"] == (
        '0 iodef "mailto:anna@example.org"',
        '0 issue "ca.example"',
        '0 issuemail ";"',
        '0 issuewild ";"',
    )
    assert "example.org CAA" not in found


def test_an_authority_may_listen_to_one_account_alone(tmp_path: Path) -> None:
    """Somebody who can answer for our address for a minute gets no certificate (RFC 8657); case is kept."""
    fleet = fleet_of(tmp_path, mailhost(certificate_authorities='["ca.example"]'))
    found = wanted(fleet, Told(acme_account="https://ca.example/Acct/7"))
    assert '0 issue "ca.example; accounturi=https://ca.example/Acct/7"' in found["mx1.example.org CAA"]
    unread = [each for scope in scopes(fleet.mailhosts, {}) for each in scope.sets if each.id.rtype == "CAA"]
    assert [each.values for each in unread] == [None]  # not known now, rather than open to all accounts


def test_an_authority_may_look_in_one_way_alone(tmp_path: Path) -> None:
    """Where names are proven by DNS, a web server that somebody took over proves nothing (RFC 8657 §4)."""
    acme = f'Acme(contact="anna@example.org", challenge="dns-01", dns={DNS})'
    host = mailhost(certificate_authorities='["ca.example"]', certificate=acme)
    found = wanted(fleet_of(tmp_path, host), Told(acme_account="https://ca.example/Acct/7"))
    issue = '0 issue "ca.example; accounturi=https://ca.example/Acct/7; validationmethods=dns-01"'
    assert issue in found["mx1.example.org CAA"]


def test_host_keys_are_published_for_signed_zones_only(tmp_path: Path) -> None:
    """Unsigned, a forged answer would name the forger's key (RFC 4255 §2.4)."""
    told = Told(ssh=(SshKey("ssh-ed25519", "ab" * 32), SshKey("ssh-dss", "00" * 32)))
    [found] = [
        each
        for scope in scopes(fleet_of(tmp_path, mailhost()).mailhosts, {"mx1.example.org": told})
        for each in scope.sets
        if each.id.rtype == "SSHFP"
    ]
    assert found.values == ("4 2 " + "ab" * 32,) and found.signed_only


def test_a_parked_domain_neither_sends_nor_takes_mail(tmp_path: Path) -> None:
    """Forgotten domains are what forgers like."""
    found = wanted(fleet_of(tmp_path, mailhost(), options='parked=[Parked(name="sleeping.example")]'))
    assert found["sleeping.example MX"] == ("0 .",)
    assert found["sleeping.example TXT"] == ("v=spf1 -all",)
    assert found["_dmarc.sleeping.example TXT"] == ("v=DMARC1; p=reject; sp=reject",)
    assert found["*._domainkey.sleeping.example TXT"] == ("v=DKIM1; p=",)


@pytest.mark.parametrize("name", ["example.org", "mx1.example.org"])
def test_what_mails_cannot_be_parked(tmp_path: Path, name: str) -> None:
    """A null MX where mail lives loses it."""
    with pytest.raises(InventoryError, match="mails, and is parked"):
        fleet_of(tmp_path, mailhost(), options=f'parked=[Parked(name="{name}")]')


def test_a_domain_in_other_letters_is_published_as_dns_has_it(tmp_path: Path) -> None:
    """People write bücher.example; DNS and servers know xn--bcher-kva.example (RFC 5891)."""
    found = wanted(fleet_of(tmp_path, mailhost(domains=domain(name='"Bücher.example"'), admin='"anna@bücher.example"')))
    assert found["xn--bcher-kva.example MX"] == ("10 mx1.example.org.",)
    assert found["_dmarc.xn--bcher-kva.example TXT"][0].endswith("rua=mailto:anna@xn--bcher-kva.example")


def test_what_is_no_internationalised_name_is_refused_in_words(tmp_path: Path) -> None:
    """A registry would refuse it as well."""
    with pytest.raises(InventoryError, match="is not an internationalised name"):
        fleet_of(tmp_path, mailhost(domains=domain(name='"☃☃.example"')))


def test_pointers_belong_to_whoever_has_the_reverse_zone(tmp_path: Path) -> None:
    """Named by the setting, else it is the provider's."""
    ours = fleet_of(tmp_path, mailhost(reverse_dns=DNS))
    assert wanted(ours)["1.0.0.127.in-addr.arpa PTR"] == ("mx1.example.org.",)
    assert "1.0.0.127.in-addr.arpa PTR" not in wanted(fleet_of(tmp_path, mailhost()))


def test_a_host_that_is_called_like_a_domain_has_one_policy(tmp_path: Path) -> None:
    """Two SPF policies at one name are none (RFC 7208 §4.5)."""
    found = scopes(fleet_of(tmp_path, mailhost(name='"example.org"')).mailhosts, {})
    policies = [each.values for scope in found for each in only(scope, "spf")]
    assert policies == [("v=spf1 mx ~all",)]


def only(scope: Scope, part: str) -> list[object]:
    return [each for each in scope.sets if each.id.part == part]
