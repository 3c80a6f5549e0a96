"""What the authoritative servers show of a domain's keys, and for how long they let resolvers deny a name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import dns.exception
import dns.rdatatype
import dns.resolver

from ironpost.dkim.course import Shown
from ironpost.dns.records.pairs import REVOKED, Pair, place
from ironpost.dns.zone import NameServer
from ironpost.errors import DnsError
from ironpost.settings import Rfc2136


def servers_of(domain: str, updates: Rfc2136 | None) -> tuple[NameServer, ...]:
    """Every server of the inventory, else those that the system's resolver finds; with empty memories."""
    if updates is not None:
        return tuple(NameServer(address) for address in dict.fromkeys((updates.primary, *updates.servers)))
    try:
        apex = dns.resolver.zone_for_name(domain)
        names = [str(row.target) for row in dns.resolver.resolve(apex, "NS")]
        addresses = [str(row) for name in names for row in dns.resolver.resolve(name, "A", raise_on_no_answer=False)]
    except dns.exception.DNSException as error:
        raise DnsError(f"{domain}: its name servers cannot be found ({error}); give the domain dns=") from None
    return tuple(NameServer(address) for address in dict.fromkeys(addresses))


def negative_ttl(domain: str, servers: tuple[NameServer, ...]) -> float:
    """How long "there is no such name" may be remembered: RFC 2308 §5, the largest that any server says."""
    return max(denial_seconds(server, server.apex(domain)) for server in servers)


def denial_seconds(server: NameServer, zone: str) -> float:
    for rrset in server.ask(zone, "SOA").answer:
        if rrset.rdtype == dns.rdatatype.SOA:
            return float(min(rrset.ttl, rrset[0].minimum))
    raise DnsError(f"{server.address}: gives no SOA for {zone}; see that it serves the zone")


def shown(pairs: tuple[Pair, ...], servers: tuple[NameServer, ...]) -> dict[str, Shown]:
    """For each pair by its RSA selector. Raises DnsError when a server does not answer: nothing is known then."""
    with ThreadPoolExecutor(max(1, len(servers))) as pool:
        everywhere = list(pool.map(lambda server: held(server, pairs), servers))
    return {pair.rsa: judged(pair, servers, everywhere) for pair in pairs}


def held(server: NameServer, pairs: tuple[Pair, ...]) -> dict[str, tuple[str, ...]]:
    wanted = [(name, "TXT") for pair in pairs for name in pair.places]
    return {name: seen.values for (name, _), seen in server.read_all(wanted).items()}


def judged(pair: Pair, servers: tuple[NameServer, ...], everywhere: list[dict[str, tuple[str, ...]]]) -> Shown:
    lacking = tuple(
        f"{server.address} does not show {name} as it is; see whether it receives the zone"
        for server, values in zip(servers, everywhere, strict=True)
        for key in pair.keys
        for name in (place(key.selector, pair.domain),)
        if values[name] != (pair.value(key),)
    )
    revoked = any(REVOKED in values[name] for values in everywhere for name in pair.places)
    return Shown(lacking, revoked)
