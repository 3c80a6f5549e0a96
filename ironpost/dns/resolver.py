"""What the world hears: questions to validating resolvers, which remember answers for a while."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.resolver

from ironpost.dns.recordset import text_of
from ironpost.dns.zone import Place, found, plain
from ironpost.once import Once

SECONDS = 4.0
ATTEMPTS = 2
PARALLEL = 8
PORT = 53


@dataclass(frozen=True)
class Heard:
    """One resolver's answer. `left`: seconds for which it goes on giving it. `secure`: it was validated (AD).

    `bogus`: it refuses to give an answer that does not validate. `error`: nothing is known.
    """

    values: tuple[str, ...] = ()
    alias: str | None = None
    left: int = 0
    secure: bool = False
    bogus: bool = False
    error: str = ""


@dataclass
class Resolver:
    """One resolver by address; what was asked once is remembered."""

    address: str
    port: int = PORT
    _known: Once[Heard] = field(default_factory=Once, repr=False, compare=False)

    def ask(self, name: str, rtype: str) -> Heard:
        return self._known((name, rtype), lambda: self._ask(name, rtype))

    @property
    def validates(self) -> bool:
        """Whether it checks signatures at all: those of the root are always there."""
        return self.ask(".", "SOA").secure

    def ask_all(self, places: Iterable[Place]) -> dict[Place, Heard]:
        wanted = list(dict.fromkeys(places))
        with ThreadPoolExecutor(PARALLEL) as pool:
            return dict(zip(wanted, pool.map(lambda place: self.ask(*place), wanted), strict=True))

    def _ask(self, name: str, rtype: str) -> Heard:
        answer = self._sent(name, rtype)
        if answer is None:
            return Heard(error=f"{self.address}: the resolver does not answer; see that it is up and reachable")
        if answer.rcode() == dns.rcode.SERVFAIL:
            return self._failed(name, rtype)
        if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return Heard(error=f"{self.address}: answers {dns.rcode.to_text(answer.rcode())} for {name} {rtype}")
        alias = found(answer, name, "CNAME")
        rrset = found(answer, name, rtype)
        values = tuple(sorted(text_of(rdata) for rdata in rrset)) if rrset else ()
        target = plain(alias[0].target) if alias and rtype != "CNAME" else None
        return Heard(values, target, seconds_left(answer), bool(answer.flags & dns.flags.AD))

    def _failed(self, name: str, rtype: str) -> Heard:
        """SERVFAIL alone does not say why; what is answered with checking disabled (RFC 4035 §3.2.2) is bogus."""
        unchecked = self._sent(name, rtype, dns.flags.CD)
        bogus = unchecked is not None and unchecked.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN)
        why = "its DNSSEC signature does not hold" if bogus else "no name server of the zone could be asked"
        return Heard(bogus=bogus, error=f"{self.address}: answers SERVFAIL for {name} {rtype}: {why}")

    def _sent(self, name: str, rtype: str, flags: int = 0) -> dns.message.Message | None:
        query = dns.message.make_query(name, rtype, use_edns=0, payload=1232, want_dnssec=True)
        query.flags |= dns.flags.AD | flags
        for _ in range(ATTEMPTS):
            try:
                return dns.query.udp_with_fallback(query, self.address, timeout=SECONDS, port=self.port)[0]
            except (OSError, EOFError, dns.exception.DNSException):
                continue
        return None


def seconds_left(answer: dns.message.Message) -> int:
    """Of the answer, or of its denial, which lasts as long as the SOA beside it says (RFC 2308 §5)."""
    denials = [min(each.ttl, each[0].minimum) for each in answer.authority if each.rdtype == dns.rdatatype.SOA]
    return min([each.ttl for each in answer.answer] or denials or [0])


def resolvers(named: Sequence[str]) -> list[Resolver]:
    """Those that the inventory names, else the system's own, of which there may be none."""
    try:
        addresses = list(named) or [str(each) for each in dns.resolver.get_default_resolver().nameservers]
    except dns.exception.DNSException:
        addresses = []
    return [Resolver(address) for address in addresses]


def first_answer(asked: Sequence[Resolver], name: str, rtype: str) -> Heard:
    """From the first resolver that answers; from the last one, why it does not."""
    heard = Heard(error="this machine has no resolver; add resolvers=[…] to the fleet")
    for each in asked:
        heard = each.ask(name, rtype)
        if not heard.error or heard.bogus:
            break
    return heard
