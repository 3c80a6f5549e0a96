"""What others rely on: proofs in DNS, who answers for a zone, promises, old signatures, ways around the MX hosts."""

from __future__ import annotations

from collections.abc import Callable

import dns.name
import dns.query
import dns.tsigkeyring
import dns.update

from ironpost.lab import Lab
from tests.lab.sabotage import LETTERS, PEOPLE, Sabotage, postfix
from tests.lab.sabotage.policy import DNS, publish
from tests.lab.sabotage.signing import FILTER_AGAIN

OUTSIDE, INSIDE = ("outside",), ("inside",)
KNOT = "/etc/knot/knot.conf"
LUA = "/etc/rspamd/rspamd.local.lua"


def signed_otherwise(*lines: str) -> Callable[[Lab, str], None]:
    """Every zone is signed anew by another policy."""
    edit = "".join(f"\\n    {line}" for line in lines)

    def change(lab: Lab, host: str) -> None:
        lab.run("ns1", f"cp -p {KNOT} {KNOT}.before && sed -i 's/^    manual: on$/&{edit}/' {KNOT}")
        signed_anew(lab)

    return change


def signed_anew(lab: Lab) -> None:
    zones = " ".join(domain for domain, _ in PEOPLE.values())
    lab.run("ns1", f"knotc reload && knotc -b zone-sign {zones} && sleep 2")


def signed_as_before(lab: Lab, host: str) -> None:
    lab.run("ns1", f"mv {KNOT}.before {KNOT}")
    signed_anew(lab)


def zone_change(*steps: str) -> Callable[[Lab, str], None]:
    """Done on the primary itself, as no operator's key may; DOMAIN is the host's."""

    def change(lab: Lab, host: str) -> None:
        domain = PEOPLE[host][0]
        words = [f"zone-begin {domain}", *(step.replace("DOMAIN", domain) for step in steps), f"zone-commit {domain}"]
        lab.run("ns1", " && ".join(f"knotc {each}" for each in words))
        lab.run("resolver", f"sleep 1; unbound-control flush_zone {domain}")

    return change


def given_away(lab: Lab, host: str) -> None:
    """The names around the TLSA records belong to a server that is not there."""
    publish(lab, host, f"_25._tcp.{lab.host(host).fqdn}", "NS", "gone.stranger.example.")
    lab.run("resolver", f"sleep 1; unbound-control flush_zone {PEOPLE[host][0]}")


def taken_back(lab: Lab, host: str) -> None:
    deleted(lab, host, f"_25._tcp.{lab.host(host).fqdn}", "NS")
    lab.run("resolver", f"sleep 1; unbound-control flush_zone {PEOPLE[host][0]}; unbound-control flush_requestlist")


def announcement_deleted(lab: Lab, host: str) -> None:
    deleted(lab, host, f"_mta-sts.{PEOPLE[host][0]}", "TXT")


def deleted(lab: Lab, host: str, name: str, rtype: str) -> None:
    domain = PEOPLE[host][0]
    key = lab.tsig(domain)
    ring = dns.tsigkeyring.from_text({key.name: key.secret})
    update = dns.update.UpdateMessage(domain, keyring=ring, keyalgorithm=dns.name.from_text(key.algorithm))
    update.delete(dns.name.from_text(name), rtype)
    assert dns.query.tcp(update, lab.name_servers[0], timeout=10).rcode() == 0


TRUST = (
    Sabotage(
        "CRT-08",
        "any certificate opens the relay",
        postfix(
            "smtp/inet/smtpd_tls_ask_ccert=yes",
            "smtp/inet/smtpd_relay_restrictions=permit_tls_all_clientcerts,reject_unauth_destination",
        ),
        INSIDE,
        frozenset({"RELAY-01", "RELAY-02", "RELAY-08"}),
    ),
    Sabotage(
        "TLC-07",
        "mail goes through a stranger's host, with a password",
        postfix("relayhost=[host.stranger.example]:587", "smtp_sasl_auth_enable=yes"),
        INSIDE,
        LETTERS,
        alone=True,
    ),
    Sabotage(
        "DKIM-04",
        "signatures by SHA-1 count again",
        f"sed -i '/^-- A signature by rsa-sha1/,$d' {LUA} && {FILTER_AGAIN}",
        INSIDE,
    ),
    Sabotage(
        "STS-05",
        "the announcement of a policy is gone",
        announcement_deleted,
        OUTSIDE,
        frozenset({"STS-01"}),
        DNS,
    ),
    Sabotage(
        "DANE-05",
        "the names of TLSA records were given to a server that is gone",
        given_away,
        OUTSIDE,
        frozenset({"DANE-01", "DANE-02", "DANE-03", "DANE-06", "DANE-07"}) | LETTERS,
        DNS,
        mends=taken_back,
        alone=True,
    ),
    Sabotage(
        "DSEC-04",
        "denials are hashed ten times, with salt",
        signed_otherwise("nsec3: on", "nsec3-iterations: 10", "nsec3-salt-length: 8"),
        OUTSIDE,
        frozenset(),
        DNS,
        mends=signed_as_before,
        shared=True,
    ),
    Sabotage(
        "DSEC-05",
        "signatures hold for two days",
        signed_otherwise("rrsig-lifetime: 2d", "rrsig-refresh: 1h", "rrsig-pre-refresh: 1m"),
        OUTSIDE,
        frozenset(),
        DNS,
        mends=signed_as_before,
        shared=True,
    ),
    Sabotage(
        "DNS-08",
        "a third name server that nobody else knows",
        zone_change("zone-set DOMAIN @ 60 NS ns3.DOMAIN.", "zone-set DOMAIN ns3 60 A 192.0.2.53"),
        OUTSIDE,
        frozenset(),
        DNS,
        mends=zone_change("zone-unset DOMAIN @ NS ns3.DOMAIN.", "zone-unset DOMAIN ns3 A 192.0.2.53"),
    ),
)
