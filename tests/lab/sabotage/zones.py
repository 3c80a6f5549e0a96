"""Zones that say the wrong thing, and name servers that say too much."""

from __future__ import annotations

from collections.abc import Callable

import dns.name
import dns.query
import dns.tsigkeyring
import dns.update

from ironpost.lab import Lab
from tests.lab.sabotage import LETTERS, PEOPLE, Sabotage
from tests.lab.sabotage.policy import DNS, publish, txt

OUTSIDE = ("outside",)
PARKED = "parked.example.org"
# Eighty addresses of nobody, each as narrow as a mail system's should be, in character strings of their own.
CROWD = " ".join(['"v=spf1 mx "', *(f'"ip4:192.0.2.{number} "' for number in range(100, 180)), '"~all"'])
KNOT = "/etc/knot/knot.conf"


def record(at: str, rtype: str, value: str) -> Callable[[Lab, str], None]:
    """Another value at a name; NAME and DOMAIN stand in both for those of the host."""

    def change(lab: Lab, host: str) -> None:
        domain = PEOPLE[host][0]
        words = [text.replace("NAME", lab.host(host).fqdn).replace("DOMAIN", domain) for text in (at, value)]
        publish(lab, host, words[0], rtype, words[1])

    return change


def parked(rtype: str, value: str, at: str = "") -> Callable[[Lab, str], None]:
    return lambda lab, host: publish(lab, "mx1", f"{at}{PARKED}", rtype, value)


def forget_wildcard(lab: Lab, host: str) -> None:
    domain = PEOPLE[host][0]
    key = lab.tsig(domain)
    update = dns.update.UpdateMessage(domain, keyring=dns.tsigkeyring.from_text({key.name: key.secret}))
    update.use_tsig(dns.tsigkeyring.from_text({key.name: key.secret}), algorithm=dns.name.from_text(key.algorithm))
    update.delete(dns.name.from_text(f"*.{domain}"))
    assert dns.query.tcp(update, lab.name_servers[0], timeout=10).rcode() == 0


def above(command: str, rest: str) -> Callable[[Lab, str], None]:
    """Changes what the parent zone says of the host's domain, and has the resolver ask again."""

    def change(lab: Lab, host: str) -> None:
        domain = PEOPLE[host][0]
        zone = domain.partition(".")[2]
        steps = [f"zone-begin {zone}", f"{command} {zone} {domain}. {rest}", f"zone-commit {zone}"]
        lab.run("ns1", " && ".join(f"knotc {step}" for step in steps))
        lab.run("resolver", f"sleep 1; unbound-control flush_zone {zone}")

    return change


def ds_removed(lab: Lab, host: str) -> None:
    domain = PEOPLE[host][0]
    lab.run("ns1", f"knotc zone-read {domain.partition('.')[2]} {domain}. DS >/run/{domain}.ds")
    above("zone-unset", "DS")(lab, host)


def ds_restored(lab: Lab, host: str) -> None:
    words = lab.run("ns1", f"cat /run/{PEOPLE[host][0]}.ds").stdout.split()
    above("zone-set", " ".join(words[2:]))(lab, host)


def secondary_cut_off(lab: Lab, host: str) -> None:
    """It goes on answering, with what it had."""
    primary = lab.host("ns1")
    lab.run("ns2", f"ip route add blackhole {primary.ipv4} && ip -6 route add blackhole {primary.ipv6}")
    record("_pop3s._tcp.DOMAIN", "SRV", "20 1 995 NAME.")(lab, host)


def secondary_reached(lab: Lab, host: str) -> None:
    primary = lab.host("ns1")
    lab.run(
        "ns2", f"ip route del blackhole {primary.ipv4}; ip -6 route del blackhole {primary.ipv6}; knotc zone-refresh"
    )


def closed_again(lab: Lab, host: str) -> None:
    lab.run("ns1", f"mv {KNOT}.before {KNOT} && knotc reload")


def opened(action: str) -> Callable[[Lab, str], None]:
    """Every operated zone lets strangers do something."""
    rule = f"  - id: strangers\\n    action: {action}\\n"
    zones = "s/acl: \\[ transfer, example/acl: [ transfer, strangers, example/"
    edit = f"sed -i -e 's/^acl:$/acl:\\n{rule}/' -e '{zones}' {KNOT}"

    def change(lab: Lab, host: str) -> None:
        lab.run("ns1", f"cp -p {KNOT} {KNOT}.before && {edit} && knotc reload")

    return change


ZONES = (
    Sabotage(
        "SPF-02",
        "SPF is neutral to everybody",
        txt("", "v=spf1 mx ?all"),
        OUTSIDE,
        frozenset({"SPF-04", "SPF-07"}),
        DNS,
    ),
    Sabotage(
        "SPF-03",
        "SPF asks for three names that do not exist",
        record("DOMAIN", "TXT", '"v=spf1 mx a:x.DOMAIN a:y.DOMAIN a:z.DOMAIN ~all"'),
        OUTSIDE,
        frozenset({"SPF-07"}),
        DNS,
    ),
    Sabotage("SPF-05", "the name in HELO may not send", record("NAME", "TXT", '"v=spf1 -all"'), OUTSIDE, LETTERS, DNS),
    Sabotage("SPF-06", "SPF holds a crowd", record("DOMAIN", "TXT", CROWD), OUTSIDE, frozenset(), DNS),
    Sabotage(
        "DMARC-02",
        "DMARC asks for nothing",
        record("_dmarc.DOMAIN", "TXT", '"v=DMARC1; p=none; rua=mailto:postmaster@DOMAIN"'),
        OUTSIDE,
        frozenset({"DMARC-04", "RELAY-09"}),
        DNS,
    ),
    Sabotage(
        "DMARC-03",
        "subdomains are anybody's",
        record("_dmarc.DOMAIN", "TXT", '"v=DMARC1; p=reject; sp=none; rua=mailto:postmaster@DOMAIN"'),
        OUTSIDE,
        frozenset({"DMARC-04"}),
        DNS,
    ),
    Sabotage(
        "DMARC-04",
        "reports go to nobody",
        record("_dmarc.DOMAIN", "TXT", '"v=DMARC1; p=reject; rua=mailto:nobody@DOMAIN"'),
        OUTSIDE,
        frozenset(),
        DNS,
    ),
    Sabotage(
        "DMARC-10",
        "a parked domain may be forged",
        parked("TXT", '"v=DMARC1; p=none"', "_dmarc."),
        OUTSIDE,
        frozenset(),
        DNS,
        shared=True,
    ),
    Sabotage(
        "DNS-03",
        "a parked domain takes mail",
        parked("MX", "10 mx1.example.org."),
        OUTSIDE,
        frozenset(),
        DNS,
        shared=True,
    ),
    Sabotage(
        "DNS-04",
        "programs are led to IMAP in clear text",
        record("_imap._tcp.DOMAIN", "SRV", "0 1 143 NAME."),
        OUTSIDE,
        frozenset(),
        DNS,
    ),
    Sabotage(
        "DNS-05",
        "another authority may issue",
        record("NAME", "CAA", '0 issue "forger.example"'),
        OUTSIDE,
        frozenset(),
        DNS,
    ),
    Sabotage(
        "DNS-06",
        "every name takes mail",
        record("*.DOMAIN", "MX", "10 NAME."),
        OUTSIDE,
        frozenset(),
        DNS,
        mends=forget_wildcard,
    ),
    Sabotage(
        "DNS-07",
        "one name server has an old zone",
        secondary_cut_off,
        OUTSIDE,
        frozenset({"DNS-04"}),
        DNS,
        mends=secondary_reached,
        shared=True,
    ),
    Sabotage(
        "DNS-09",
        "a record was changed by hand",
        record("_pop3s._tcp.DOMAIN", "SRV", "20 1 995 NAME."),
        OUTSIDE,
        frozenset({"DNS-04"}),
        DNS,
    ),
    Sabotage(
        "DNS-11",
        "the zone is given away",
        opened("transfer"),
        OUTSIDE,
        frozenset(),
        DNS,
        shared=True,
        mends=closed_again,
    ),
    Sabotage(
        "DNS-12",
        "anybody may change the zone",
        opened("update"),
        OUTSIDE,
        frozenset(),
        DNS,
        shared=True,
        mends=closed_again,
    ),
    Sabotage(
        "DNS-14",
        "IMAP leads to a name that does not exist",
        record("_imaps._tcp.DOMAIN", "SRV", "0 1 993 gone.DOMAIN."),
        OUTSIDE,
        frozenset({"DNS-04"}),
        DNS,
    ),
    Sabotage(
        "DSEC-01",
        "the parent says that the zone is not signed",
        ds_removed,
        OUTSIDE,
        frozenset({"DSEC-03", "DANE-01", "DANE-02", "DANE-05"}),
        DNS,
        mends=ds_restored,
    ),
    Sabotage(
        "DSEC-02",
        "the parent has a digest by SHA-1",
        above("zone-set", f"60 DS 12345 13 1 {'cd' * 20}"),
        OUTSIDE,
        frozenset(),
        DNS,
        mends=above("zone-unset", f"DS 12345 13 1 {'cd' * 20}"),
    ),
    Sabotage(
        "DSEC-03",
        "the parent names a key that is not there",
        above("zone-set", f"60 DS 12345 13 2 {'ab' * 32}"),
        OUTSIDE,
        frozenset(),
        DNS,
        mends=above("zone-unset", f"DS 12345 13 2 {'ab' * 32}"),
    ),
)
