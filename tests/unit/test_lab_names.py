"""The lab's DNS as text: what stands in the zones, who may change it, and what the hosts believe."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

import dns.dnssec
import dns.flags
import dns.name
import dns.rdatatype
import dns.reversename
import dns.zone
import pytest
from cryptography import x509

from ironpost.lab.authority import Authority, tlsa
from ironpost.lab.names import (
    Keys,
    make_keys,
    primary_conf,
    tree_for_name_server,
    tree_for_resolver,
    unbound_dropin,
    update_owners,
)
from ironpost.lab.outside import tree_for_outside
from ironpost.lab.plan import OPERATED_ZONES, LabPlan, plan_lab
from ironpost.lab.trust import reverse_zones, zone_names
from ironpost.lab.zonefiles import absolute, parent_of, zone_file

PLAN = plan_lab("text", 3, extra_hosts=260)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return make_keys(tmp_path_factory.mktemp("names"), PLAN)


@pytest.fixture(scope="module")
def zones(keys: Keys) -> dict[str, dns.zone.Zone]:
    return {name: parsed(PLAN, name, keys) for name in zone_names(PLAN)}


def parsed(plan: LabPlan, zone: str, keys: Keys) -> dns.zone.Zone:
    return dns.zone.from_text(zone_file(plan, zone, keys), origin=absolute(zone), relativize=False)


def found(zones: dict[str, dns.zone.Zone], name: str, rtype: str) -> list[str]:
    """What the zone that holds this name says of it."""
    holder = parent_of(f"x.{name.rstrip('.')}", tuple(zones))
    rdataset = zones[holder].get_rdataset(dns.name.from_text(name), rtype)
    return sorted(rdata.to_text() for rdata in rdataset or ())


def test_every_host_but_the_operated_ones_has_addresses_and_a_pointer(zones: dict[str, dns.zone.Zone]) -> None:
    """A host without a reverse name costs every SMTP connection seconds, and its mail is suspect."""
    for host in PLAN.hosts:
        operated = host.role == "mail"
        assert found(zones, host.fqdn, "A") == ([] if operated else [host.ipv4])
        assert found(zones, host.fqdn, "AAAA") == ([] if operated else [host.ipv6])
        for address in (host.ipv4, host.ipv6):
            reverse = dns.reversename.from_address(address).to_text()
            assert found(zones, reverse, "PTR") == ([] if operated else [f"{host.fqdn}."])


def test_operated_zones_begin_with_soa_and_ns_only(zones: dict[str, dns.zone.Zone]) -> None:
    """Everything else is for the product to publish; a record that is there already would hide that it did not."""
    for name in OPERATED_ZONES:
        held = {(owner, dns.rdatatype.to_text(rdataset.rdtype)) for owner, rdataset in zones[name].iterate_rdatasets()}
        assert held == {(dns.name.from_text(name), "SOA"), (dns.name.from_text(name), "NS")}


def test_every_zone_is_delegated_with_the_ds_of_its_own_key(zones: dict[str, dns.zone.Zone], keys: Keys) -> None:
    """One missing or wrong DS turns a whole branch insecure or bogus, and DANE off with it."""
    for name in zone_names(PLAN)[1:]:
        parent = zones[parent_of(name, zone_names(PLAN))]
        (ds,) = parent.find_rdataset(dns.name.from_text(name), "DS")
        assert ds == dns.dnssec.make_ds(dns.name.from_text(name), keys.dnskey(name), "SHA256")
        assert len(parent.find_rdataset(dns.name.from_text(name), "NS")) == 2


def test_an_update_key_reaches_its_own_zone_and_the_pointers_of_its_own_host() -> None:
    """The tests of refused updates mean nothing if the lab's keys may do everything."""
    v4, v6 = reverse_zones(PLAN)
    mx1 = PLAN.host("mx1")
    assert update_owners(PLAN, "example.org") == {
        "example.org": ("example.org.",),
        v4: (dns.reversename.from_address(mx1.ipv4).to_text(),),
        v6: (dns.reversename.from_address(mx1.ipv6).to_text(),),
    }


def test_no_update_key_may_transfer_a_zone(keys: Keys) -> None:
    """The product has to work where the provider does not allow AXFR."""
    rules = primary_conf(PLAN, keys).partition("\nacl:\n")[2].partition("\npolicy:\n")[0].split("  - id: ")[1:]
    for rule in rules:
        assert ("action: transfer" in rule) == ("key: transfer." in rule)
        assert ("action: update" in rule) != ("key: transfer." in rule)


def test_zones_without_an_operator_take_no_updates(keys: Keys) -> None:
    """Parents and the outside operator's zone are somebody else's."""
    conf = primary_conf(PLAN, keys)
    for zone in set(zone_names(PLAN)) - set(OPERATED_ZONES) - set(reverse_zones(PLAN)):
        assert f"  - domain: {absolute(zone)}\n    acl: [ transfer ]\n" in conf


def test_the_second_name_server_knows_no_update_key(keys: Keys) -> None:
    """A secret lies where it is used and nowhere else."""
    (conf,) = tree_for_name_server(PLAN, PLAN.host("ns2"), keys).files
    assert keys.tsig("transfer").secret in str(conf.content)
    assert all(keys.tsig(zone).secret not in str(conf.content) for zone in OPERATED_ZONES)


def test_keys_are_made_once_and_are_private(keys: Keys) -> None:
    """Another key after a restart would make every host's trust anchor a lie."""
    again = make_keys(keys.directory, PLAN)
    assert [again.ds(zone) for zone in zone_names(PLAN)] == [keys.ds(zone) for zone in zone_names(PLAN)]
    assert again.dkim_records == keys.dkim_records
    secrets = [path for path in keys.directory.rglob("*") if path.is_file() and path.name != ".lock"]
    assert {path.stat().st_mode & 0o777 for path in secrets} == {0o600}


def test_resolver_and_mail_hosts_share_one_trust_anchor(keys: Keys) -> None:
    """Both have to believe the key that signs the lab's root, and ask for zones that unbound would answer itself."""
    hints, dropin = unbound_dropin(PLAN, keys)
    assert dropin.path == "/etc/unbound/unbound.conf.d/lab.conf"
    assert f'trust-anchor: ". 60 IN DS {keys.ds(".")}"' in str(dropin.content)
    assert "local-zone: 8.b.d.0.1.0.0.2.ip6.arpa. nodefault" in str(dropin.content)
    resolver = tree_for_resolver(PLAN, PLAN.host("resolver"), keys)
    assert hints in resolver.files
    assert all(str(dropin.content) in str(file.content) for file in resolver.files if file.path.endswith(".conf"))


def test_the_outside_domain_has_all_that_a_receiver_asks_for(zones: dict[str, dns.zone.Zone], keys: Keys) -> None:
    """If the outside operator's own mail did not pass, a refusal of it would prove nothing about ours."""
    assert found(zones, "example.net", "MX") == ["10 mail.example.net."]
    assert found(zones, "example.net", "TXT") == ['"v=spf1 mx -all"']
    assert "p=reject" in found(zones, "_dmarc.example.net", "TXT")[0]
    for selector, value in keys.dkim_records.items():
        (text,) = found(zones, f"{selector}._domainkey.example.net", "TXT")
        assert text.replace('" "', "").strip('"') == value


def test_forged_domains_resolve_but_send_nothing(zones: dict[str, dns.zone.Zone]) -> None:
    """Only SPF and DMARC may speak against a spoof; an unresolvable sender would be refused for another reason."""
    for name, policy in (("reject.example", "reject"), ("quarantine.example", "quarantine")):
        assert found(zones, name, "A") == [PLAN.host("stranger").ipv4]
        assert found(zones, name, "TXT") == ['"v=spf1 -all"']
        assert found(zones, f"_dmarc.{name}", "TXT") == [f'"v=DMARC1; p={policy}"']


def test_a_certificate_serves_its_names_and_stays_the_same(tmp_path: Path) -> None:
    """Deploys compare files: a certificate that changed at each run would restart services for nothing."""
    authority = Authority(tmp_path)
    chain, key = authority.certificate("mx1.example.org", ("mail.example.org",))
    first = chain.read_bytes()
    assert Authority(tmp_path).certificate("mx1.example.org", ("mail.example.org",)) == (chain, key)
    assert chain.read_bytes() == first
    leaf, intermediate = x509.load_pem_x509_certificates(first)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["mx1.example.org", "mail.example.org"]
    assert key.stat().st_mode & 0o777 == 0o600
    leaf.verify_directly_issued_by(intermediate)
    intermediate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.root_certificate.read_bytes()))
    ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(chain, key)


def test_an_expired_certificate_can_be_had_and_is_replaced_when_asked_again(tmp_path: Path) -> None:
    """The controls on certificates need something bad to find; the TLSA record survives, because the key does."""
    authority = Authority(tmp_path)
    yesterday = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    chain, _ = authority.certificate("mx1.example.org", not_after=yesterday)
    expired = chain.read_bytes()
    assert x509.load_pem_x509_certificate(expired).not_valid_after_utc < datetime.datetime.now(datetime.UTC)
    chain, _ = authority.certificate("mx1.example.org")
    assert x509.load_pem_x509_certificate(chain.read_bytes()).not_valid_after_utc > yesterday
    assert tlsa(chain.read_bytes()) == tlsa(expired)


def test_the_outside_server_shares_no_daemon_that_judges(keys: Keys) -> None:
    """A mistake that both sides shared would stay unseen."""
    tree = tree_for_outside(PLAN, PLAN.host("outside"), keys, [b"chain", b"key"], [b"chain", b"key"], b"root")
    assert tree.units == ("dkimpy-milter.service", "opendmarc.service", "postfix.service", "lab-policies.service")
    assert not [file.path for file in tree.files if "rspamd" in file.path or "dovecot" in file.path]
    assert {file.mode for file in tree.files if isinstance(file.content, bytes) and b"PRIVATE" in file.content} == {
        0o600
    }
