"""Asks resolvers and name servers as a stranger does, and compares the zones with the inventory."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.update

from ironpost.compliance.nameservers import NameServers
from ironpost.dns.authority import authorities
from ironpost.dns.records import Scope
from ironpost.dns.resolver import Resolver, first_answer
from ironpost.dns.survey import survey, zone_of
from ironpost.errors import IronpostError
from ironpost.evidence.world import Echo, Server, World
from ironpost.evidence.zone import Place
from ironpost.mailhost import MailHost

SECONDS = 3.0
PARALLEL = 8
TRANSFER_SECONDS = 10.0  # in which a secondary that was notified has fetched a change
SIGNED_TYPES = ("SOA", "DNSKEY", "MX", "TXT")
Differences = tuple[tuple[str, ...] | None, tuple[str, ...]]
FOREIGN = "www.iana.org"  # what no name server of a mail domain has anything to say about


def world(known: NameServers, mailhost: MailHost) -> World:
    """All but the comparison with the inventory, which needs to know what the hosts tell of themselves."""
    asked = list(known.asked)
    servers = {name: seen_once(known, name) for name in mailhost.domain_names}
    heard = echoes(asked, places(mailhost))
    heard |= echoes(asked, server_places(heard))
    return World(heard, servers, delegations=delegations(mailhost.domain_names, asked))


def seen_once(known: NameServers, zone: str) -> tuple[Server, ...]:
    """The servers of a zone; hosts that share it look at them once."""
    return known.looks(zone, lambda: looked_at(zone, known.of(zone)))


def places(mailhost: MailHost) -> Iterable[Place]:
    yield ".", "SOA"
    yield from ((mailhost.name, rtype) for rtype in ("A", "AAAA"))
    yield from ((f"_25._tcp.{mailhost.name}", rtype) for rtype in ("A", "MX"))
    for name in mailhost.domain_names:
        yield from ((name, rtype) for rtype in ("SOA", "NS", "MX", "TXT", "DS"))


def delegations(names: Iterable[str], asked: list[Resolver]) -> dict[str, tuple[str, ...] | None]:
    """Of each name that has name servers of its own: those that its parent's servers refer to."""
    zones = [name for name in names if first_answer(asked, name, "NS").values]
    return {name: referred(name, authorities(zone_of(name.partition(".")[2], asked), asked)) for name in zones}


def referred(name: str, parents: tuple[str, ...]) -> tuple[str, ...] | None:
    """What the first of the parent's servers that answers says; one that has the zone itself answers out of it."""
    query = dns.message.make_query(name, "NS", use_edns=0, payload=1232)
    query.flags &= ~dns.flags.RD
    for address in parents:
        answer = sent(query, address, tcp=False)
        for rrset in [*answer.answer, *answer.authority] if answer else ():
            if rrset.rdtype == dns.rdatatype.NS and rrset.name == dns.name.from_text(name):
                return tuple(sorted(row.target.to_text(omit_final_dot=True).lower() for row in rrset))
    return None


def server_places(heard: dict[Place, tuple[Echo, ...]]) -> set[Place]:
    """Where the name servers are that the zones name."""
    found = [value for (_, rtype), told in heard.items() if rtype == "NS" for echo in told for value in echo.values]
    return {(name.rstrip("."), rtype) for name in found for rtype in ("A", "AAAA")}


def echoes(asked: list[Resolver], wanted_places: Iterable[Place]) -> dict[Place, tuple[Echo, ...]]:
    every = list(wanted_places)
    heard = [(resolver.address, resolver.ask_all(every)) for resolver in asked]
    return {
        place: tuple(
            Echo(address, told[place].values, told[place].secure, told[place].bogus, told[place].error or None)
            for address, told in heard
        )
        for place in every
    }


def compared(known: NameServers, scopes: Iterable[Scope], unread: Iterable[str]) -> Differences:
    """What is not as the inventory says, in words; and why not all of it is known."""
    try:
        found = survey(scopes, {}, known.held, known.asked)
    except IronpostError as error:
        return None, (str(error),)
    changes = [change for plan in found.plans for change in plan.changes if change.pending or change.sign == "!"]
    changes += [change for each in found.by_hand for change in each.lacking]
    rows = [f"{change.id} is {' and '.join(change.before) or 'missing'}" for change in changes]
    rows += [sentence for plan in found.plans for sentence in plan.behind]
    missing = [*unread, *found.errors, *found.silent, *(each.error for each in found.by_hand if each.error)]
    return tuple(rows), tuple(missing)


def looked_at(zone: str, addresses: Iterable[str]) -> tuple[Server, ...]:
    """Each server, and again for a while when their serials differ: a change needs a moment to reach all of them."""
    doors = list(filter(None, dict.fromkeys(addresses)))
    deadline = time.monotonic() + TRANSFER_SECONDS
    with ThreadPoolExecutor(PARALLEL) as pool:
        while True:
            found = tuple(pool.map(lambda address: look(zone, address), doors))
            serials = {each for server in found for each in (server.serial_udp, server.serial_tcp) if each is not None}
            if len(serials) < 2 or time.monotonic() > deadline:
                return found
            time.sleep(1)


def look(zone: str, address: str) -> Server:
    return Server(
        address,
        serial(zone, address, tcp=False),
        serial(zone, address, tcp=True),
        recurses(address),
        transfers(zone, address),
        unsigned_update(zone, address),
        signed_days(zone, address),
    )


def serial(zone: str, address: str, tcp: bool) -> int | None:
    """Of an authoritative answer."""
    query = dns.message.make_query(zone, "SOA", use_edns=0, payload=1232)
    query.flags &= ~dns.flags.RD
    answer = sent(query, address, tcp)
    if answer is None or not answer.flags & dns.flags.AA:
        return None
    every = [*answer.answer, *answer.authority]
    return next((int(rrset[0].serial) for rrset in every if rrset.rdtype == dns.rdatatype.SOA), None)


def signed_days(zone: str, address: str) -> float | None:
    """Until the first signature ends among those of the apex; None where a record set there has none."""
    ends = []
    for rtype in SIGNED_TYPES:
        answer = sent(dns.message.make_query(zone, rtype, want_dnssec=True, payload=1232), address, tcp=True)
        if answer is None or not answer.answer:
            continue
        signatures = [rrset for rrset in answer.answer if rrset.rdtype == dns.rdatatype.RRSIG]
        if not signatures:
            return None
        ends += [rdata.expiration for rrset in signatures for rdata in rrset]
    return round((min(ends) - time.time()) / 86_400, 2) if ends else None


def recurses(address: str) -> bool:
    answer = sent(dns.message.make_query(FOREIGN, "A"), address, tcp=False)
    return answer is not None and bool(answer.flags & dns.flags.RA or answer.answer)


def transfers(zone: str, address: str) -> bool:
    answer = sent(dns.message.make_query(zone, "AXFR"), address, tcp=True)
    return answer is not None and answer.rcode() == dns.rcode.NOERROR and bool(answer.answer)


def unsigned_update(zone: str, address: str) -> str:
    """Deletes a name that nobody has: nothing changes, even where it is allowed."""
    message = dns.update.UpdateMessage(zone)
    message.delete(dns.name.from_text(f"ironpost-no-such-name-{uuid.uuid4().hex[:8]}.{zone}"), "TXT")
    answer = sent(message, address, tcp=True)
    return "no answer" if answer is None else dns.rcode.to_text(answer.rcode())


def sent(query: dns.message.Message, address: str, tcp: bool) -> dns.message.Message | None:
    for _ in range(2):
        try:
            if tcp:
                return dns.query.tcp(query, address, timeout=SECONDS)
            return dns.query.udp(query, address, timeout=SECONDS, ignore_unexpected=True)
        except (OSError, EOFError, dns.exception.DNSException):
            continue
    return None
