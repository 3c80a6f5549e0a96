"""DNSSEC: whether what is published can be believed."""

from __future__ import annotations

import dns.dnssec
import dns.name
import dns.rdata

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.mailhost import MailHost

GOOD_ALGORITHMS = {"13", "15", "8"}  # ECDSA P-256, Ed25519; RSA/SHA-256 is tolerated (RFC 9904)
GOOD_DIGESTS = {"2", "4"}  # SHA-256, SHA-384
SIGN = "sign the zone, and give its DS to the registrar"


def see_that_resolvers_validate(probes: Probes) -> None:
    """Raises NotCollectedError for one that does not: what it says proves nothing. Every root is signed."""
    for echo in probes.world.heard(".", "SOA"):
        if not echo.secure:
            raise NotCollectedError(f"{echo.resolver} validates nothing; name a resolver that does in resolvers=")


@control(
    "DSEC-01",
    claim="Mail domains and the names of their hosts are signed, and validate from the root",
    reference="RFC 4035; NIST SP 800-81r2",
    severity="high",
    cost="passive",
)
class DomainsValidate:
    """DANE, MTA-STS, SPF and DKIM are worth as much as the answers that they come in."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        see_that_resolvers_validate(probes)
        places = [(name, rtype) for name in mailhost.domain_names for rtype in ("SOA", "MX", "TXT")]
        kinds = zip(("A", "AAAA"), (mailhost.ipv4, mailhost.ipv6), strict=True)
        places += [(mailhost.name, rtype) for rtype, address in kinds if address]
        for name, rtype in places:
            for echo in probes.world.heard(name, rtype):
                if echo.bogus:
                    faults.append(f"{name} {rtype}: {echo.error}")
                elif not echo.secure:
                    faults.append(f"{name} {rtype}: {echo.resolver} does not find it signed")
        return holds_unless(faults, remedy=SIGN)


@control(
    "DSEC-02",
    claim="Keys and digests of DNSSEC are of today's kinds",
    reference="RFC 9904–9906; BSI TR-02102-1",
    cost="passive",
)
class DnssecIsModern:
    """A signature by SHA-1 can be made by others."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for name in mailhost.domain_names:
            for echo in probes.world.heard(name, "DS"):
                for value in echo.values:
                    _, algorithm, digest, _ = value.split(" ", 3)
                    faults += [f"{name}: DS of algorithm {algorithm}"] * (algorithm not in GOOD_ALGORITHMS)
                    faults += [f"{name}: DS of digest type {digest}"] * (digest not in GOOD_DIGESTS)
            for key in probes.zone.values(name, "DNSKEY"):
                algorithm = key.split()[2]
                faults += [f"{name}: DNSKEY of algorithm {algorithm}"] * (algorithm not in GOOD_ALGORITHMS)
        return holds_unless(faults, remedy="renew the zone's keys with algorithm 13, and its DS with SHA-256")


@control(
    "DSEC-03",
    claim="Every DS at the parent belongs to a key that the zone has",
    reference="RFC 6781 §4.1; RFC 7583",
    severity="high",
    cost="passive",
)
class DsBelongsToAKey:
    """A DS that was left behind is one mistake away from a domain that nobody can reach."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for name in mailhost.domain_names:
            keys = probes.zone.values(name, "DNSKEY")
            wanted = {digest for key in keys for digest in digests(name, key)}
            for echo in probes.world.heard(name, "DS"):
                shown = {" ".join(value.lower().split(" ", 3)) for value in echo.values}
                lost = [value for value in shown if value.split(" ", 3)[2] in GOOD_DIGESTS and value not in wanted]
                faults += [f"{name}: the DS {value[:30]}… belongs to no key" for value in lost]
                if keys and not shown & wanted:
                    faults.append(f"{name}: no DS belongs to a key of the zone")
        return holds_unless(faults, remedy="give the registrar the DS of the keys that the zone has, and no other")


def digests(name: str, key: str) -> list[str]:
    rdata = dns.rdata.from_text("IN", "DNSKEY", key)
    owner = dns.name.from_text(name)
    kinds = ("SHA256", "SHA384")
    return [dns.dnssec.make_ds(owner, rdata, kind).to_text().lower() for kind in kinds]
