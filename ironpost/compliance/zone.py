"""Asks the authoritative servers for everything that the controls look at. Queries of our own: no cache in between."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT

from ironpost.compliance.nameservers import NameServers
from ironpost.compliance.places import first_places, later_places
from ironpost.evidence.letters import Letters
from ironpost.evidence.zone import Answer, Place, Zone
from ironpost.mailhost import MailHost

SECONDS = 3.0
ATTEMPTS = 2
PARALLEL = 8
SILENT = "the name server does not answer"
MOST_SPF_LOOKUPS = 20  # twice what RFC 7208 §4.6.4 allows, so that an excess shows


def zone(servers: NameServers, mailhost: MailHost) -> Zone:
    """What the DNS says of a mail host and its domains. A server that does not answer is recorded, never raised."""
    found = ask_all(servers, first_places(mailhost))
    found |= ask_all(servers, (later_places(found) | key_places(found)) - found.keys())
    for domain in (*mailhost.domain_names, mailhost.name):
        follow_spf(servers, found, domain)
    return Zone(found)


def key_places(found: dict[Place, tuple[Answer, ...]]) -> set[Place]:
    """Where keys stand, as the registry in the zone lists them (ours and those of all hosts of a domain)."""
    rows = [
        dict(word.partition("=")[::2] for word in value.split())
        for (name, _), answers in found.items()
        if name.startswith("_ironpost.")
        for answer in answers
        for value in answer.values
    ]
    names = {row.get("set", "").partition("/")[0] for row in rows}
    return {(name, "TXT") for name in names if "._domainkey." in name}


def with_selectors(servers: NameServers, seen: Zone, letters: Letters) -> Zone:
    """The zone, and the keys that the letters name which the registry does not list: zones may be kept by hand."""
    places = {(f"{selector}._domainkey.{domain}", "TXT") for domain, selector in letters.selectors}
    asked = ask_all(servers, places - seen.answers.keys())
    return Zone({**seen.answers, **asked})


def follow_spf(servers: NameServers, found: dict[Place, tuple[Answer, ...]], domain: str) -> None:
    """Adds what the terms of an SPF policy look up (RFC 7208 §4.6.4), policies that it includes among them."""
    waiting, seen = [domain], {domain}
    while waiting and len(seen) < MOST_SPF_LOOKUPS:
        name = waiting.pop()
        if (name, "TXT") not in found:
            found |= ask_all(servers, {(name, "TXT")})
        terms = [term for policy in policies(found[name, "TXT"]) for term in policy.split()[1:]]
        included = {target for term in terms for target in included_by(term)} - seen
        seen |= included
        waiting += sorted(included)
        looked_up = {place for term in terms for place in looked_up_by(term, name)}
        found |= ask_all(servers, looked_up - found.keys())
        found |= ask_all(servers, later_places(found) - found.keys())


def policies(answers: Iterable[Answer]) -> set[str]:
    values = {value for answer in answers for value in answer.values}
    return {value for value in values if value.lower() == "v=spf1" or value.lower().startswith("v=spf1 ")}


def included_by(term: str) -> set[str]:
    for prefix in ("include:", "redirect="):
        if term.lstrip("+-~?").lower().startswith(prefix):
            return {term.partition(prefix[-1])[2].lower().rstrip(".")}
    return set()


def looked_up_by(term: str, domain: str) -> set[Place]:
    bare = term.lstrip("+-~?").lower().partition("/")[0]
    kind, _, target = bare.partition(":")
    if kind not in ("a", "mx"):
        return set()
    name = target or domain
    return {(name, "MX")} if kind == "mx" else {(name, "A"), (name, "AAAA")}


def ask_all(servers: NameServers, places: Iterable[Place]) -> dict[Place, tuple[Answer, ...]]:
    """Each place at each server that has authority over it; one that was silent is not waited for again."""
    wanted = sorted(places)
    asked = [(place, server) for place in wanted for server in servers.of(place[0])]
    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = list(pool.map(lambda each: ask_once(servers, each[1], *each[0]), asked))
    found: dict[Place, tuple[Answer, ...]] = {}
    for (place, _), answer in zip(asked, answers, strict=True):
        found[place] = (*found.get(place, ()), answer)
    return found


def ask_once(servers: NameServers, server: str, name: str, rtype: str) -> Answer:
    """What was asked before in this run is known; a server that was silent is not asked again."""
    return servers.answers((server, name, rtype), lambda: ask_unless(servers.silent, server, name, rtype))


def ask_unless(silent: set[str], server: str, name: str, rtype: str) -> Answer:
    if server in silent:
        return Answer(server, error=SILENT)
    answer = ask(server, name, rtype)
    if answer.error == SILENT:
        silent.add(server)
    return answer


def ask(server: str, name: str, rtype: str) -> Answer:
    """One question at one server."""
    if not server:
        return Answer(server, error=f"no name server was found for {name}; name it in dns= of the inventory")
    query = dns.message.make_query(name, rtype, use_edns=0, payload=1232)
    query.flags &= ~dns.flags.RD
    for _ in range(ATTEMPTS):
        try:
            reply, _tcp = dns.query.udp_with_fallback(query, server, timeout=SECONDS)
        except (OSError, EOFError, dns.exception.DNSException):
            continue
        return judged(server, name, rtype, reply)
    return Answer(server, error=SILENT)


def judged(server: str, name: str, rtype: str, reply: dns.message.Message) -> Answer:
    if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Answer(server, error=f"{dns.rcode.to_text(reply.rcode())} for {name} {rtype}")
    owner = dns.name.from_text(name)
    alias = reply.get_rrset(reply.answer, owner, dns.rdataclass.IN, dns.rdatatype.CNAME)
    rrset = reply.get_rrset(reply.answer, owner, dns.rdataclass.IN, dns.rdatatype.from_text(rtype))
    values = tuple(sorted(shown(rdata) for rdata in rrset)) if rrset else ()
    target = alias[0].target.to_text(omit_final_dot=True).lower() if alias else None
    return Answer(server, values, target, len(reply.to_wire()), exists=reply.rcode() == dns.rcode.NOERROR)


def shown(rdata: dns.rdata.Rdata) -> str:
    """A value as the evidence holds it: TXT strings joined, names without closing dot."""
    if isinstance(rdata, dns.rdtypes.ANY.TXT.TXT):
        return b"".join(rdata.strings).decode("utf-8", "backslashreplace")
    text = rdata.to_text()
    if rdata.rdtype not in (dns.rdatatype.MX, dns.rdatatype.PTR, dns.rdatatype.SRV, dns.rdatatype.NS):
        return text
    return text.lower() if text.endswith(" .") else text.lower().rstrip(".")
