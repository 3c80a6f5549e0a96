"""The zone as it is, by ordinary queries to its authoritative servers; no zone transfer is needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from ironpost.dns.recordset import TTL, rdata_of, text_of
from ironpost.errors import DnsError

QUERY_SECONDS = 2.0
ATTEMPTS = 3
PARALLEL = 8
PORT = 53
SILENT_SECONDS = 60.0
SILENT: dict[tuple[str, int], float] = {}  # address, port → when it last gave no answer

Place = tuple[str, str]  # name, type


class NoAnswerError(DnsError):
    """A name server did not answer: nothing is known of what it holds."""


@dataclass(frozen=True)
class Seen:
    """All values at one name and of one type on one server, sorted. `alias` is the target of a CNAME found there.

    `rdatas` are the values as the server has them: text may have been cut into strings in any way.
    """

    values: tuple[str, ...] = ()
    ttl: int = TTL
    alias: str | None = None
    rdatas: tuple[dns.rdata.Rdata, ...] = field(default=(), compare=False)

    def held(self, rtype: str, value: str) -> tuple[dns.rdata.Rdata, ...]:
        """A value as it stands there; as we would write it where that is not known."""
        return tuple(rdata for rdata in self.rdatas if text_of(rdata) == value) or (rdata_of(rtype, value),)


@dataclass
class NameServer:
    """One authoritative server, by address. What was asked once is remembered until `forget`."""

    address: str
    port: int = PORT
    _known: dict[Place, Seen] = field(default_factory=dict)
    _zones: dict[str, str] = field(default_factory=dict)
    _signed: dict[str, bool] = field(default_factory=dict)
    _stars: dict[Place, tuple[str, ...] | None] = field(default_factory=dict)
    _no_stars: set[str] = field(default_factory=set)
    _star_lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def read(self, name: str, rtype: str) -> Seen:
        """What stands at a name. Raises NoAnswerError, or DnsError when the server does not hold the zone."""
        if (name, rtype) not in self._known:
            self._known[name, rtype] = self._read(name, rtype)
        return self._known[name, rtype]

    def read_all(self, places: Iterable[Place]) -> dict[Place, Seen]:
        wanted = list(dict.fromkeys(places))
        with ThreadPoolExecutor(PARALLEL) as pool:
            return dict(zip(wanted, pool.map(lambda place: self.read(*place), wanted), strict=True))

    def believe(self, primary: NameServer) -> None:
        """Takes over where the zones begin: that is the same on all servers that have them."""
        self._zones |= primary._zones

    def forget(self) -> None:
        self._known.clear()
        self._stars.clear()
        self._no_stars.clear()

    def apex(self, name: str) -> str:
        """The zone that a name lies in: whose SOA the server gives for it, in the answer or beside a denial."""
        if name not in self._zones:
            self._zones[name] = self._apex(name)
        return self._zones[name]

    def signed(self, zone: str) -> bool:
        """Whether the server holds a key of the zone (RFC 4035 §2.1). Raises like `read`."""
        if zone not in self._signed:
            self._signed[zone] = found(self.ask(zone, "DNSKEY"), zone, "DNSKEY") is not None
        return self._signed[zone]

    def _apex(self, name: str) -> str:
        asked = name
        while asked:
            answer = self.ask(asked, "SOA")
            for rrset in (*answer.answer, *answer.authority):
                if rrset.rdtype == dns.rdatatype.SOA and is_within(asked, plain(rrset.name)):
                    return plain(rrset.name)
            asked = asked.partition(".")[2]
        raise DnsError(f"{self.address}: gives no SOA for {name}; see that it serves the zone")

    def _read(self, name: str, rtype: str) -> Seen:
        answer = self.ask(name, rtype)
        alias = found(answer, name, "CNAME")
        if alias is not None and rtype != "CNAME":
            return Seen(alias=plain(alias[0].target))
        rrset = found(answer, name, rtype)
        if rrset is None:
            return Seen()
        seen = Seen(tuple(sorted(text_of(rdata) for rdata in rrset)), rrset.ttl, rdatas=tuple(rrset))
        return Seen() if self._made_from_wildcard(name, rtype, seen) else seen

    def _made_from_wildcard(self, name: str, rtype: str, seen: Seen) -> bool:
        """Whether a `*` above the name answers in its place: then nothing stands at the name itself (RFC 4592)."""
        zone = self.apex(name)
        parents = [name]
        while parents[-1] != zone:
            parents.append(parents[-1].partition(".")[2])
        wildcards = (f"*.{parent}" for parent in parents[1:] if f"*.{parent}" != name)
        return any(self._star(wildcard, rtype) == seen.values for wildcard in wildcards)

    def _star(self, name: str, rtype: str) -> tuple[str, ...] | None:
        """What a wildcard holds. All names below share its answer, and one that is not there has no type at all."""
        with self._star_lock:  # names are read side by side, and nearly all ask for the same one
            if name not in self._no_stars and (name, rtype) not in self._stars:
                answer = self.ask(name, rtype)
                if answer.rcode() == dns.rcode.NXDOMAIN:
                    self._no_stars.add(name)
                rrset = found(answer, name, rtype)
                self._stars[name, rtype] = tuple(sorted(text_of(rdata) for rdata in rrset)) if rrset else None
            return self._stars.get((name, rtype))

    def ask(self, name: str, rtype: str) -> dns.message.Message:
        """One question, tried three times, by TCP when the answer is long."""
        query = dns.message.make_query(name, rtype, use_edns=0, payload=1232)
        query.flags &= ~dns.flags.RD
        answer = self._sent(query)
        rcode = answer.rcode()
        if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN) or not answer.flags & dns.flags.AA:
            said = dns.rcode.to_text(rcode) if rcode else "an answer without authority"
            raise DnsError(f"{self.address}: {said} for {name} {rtype}; name servers of that zone belong in servers=")
        return answer

    @property
    def _door(self) -> tuple[str, int]:
        return self.address, self.port

    def _sent(self, query: dns.message.Message) -> dns.message.Message:
        # A server that was silent just now is asked once: each zone would wait for it anew.
        silent = time.monotonic() - SILENT.get(self._door, -SILENT_SECONDS) < SILENT_SECONDS
        for _ in range(1 if silent else ATTEMPTS):
            try:
                answer, _tcp = dns.query.udp_with_fallback(query, self.address, timeout=QUERY_SECONDS, port=self.port)
            except (OSError, EOFError, dns.exception.DNSException):
                continue
            SILENT.pop(self._door, None)
            return answer
        SILENT[self._door] = time.monotonic()
        raise NoAnswerError(f"{self.address}: the name server does not answer; see that it is up and reachable")


def found(answer: dns.message.Message, name: str, rtype: str) -> dns.rrset.RRset | None:
    return answer.get_rrset(answer.answer, dns.name.from_text(name), dns.rdataclass.IN, dns.rdatatype.from_text(rtype))


def plain(name: dns.name.Name) -> str:
    """A name in lower case without its closing dot."""
    return name.to_text(omit_final_dot=True).lower()


def is_within(name: str, zone: str) -> bool:
    return f".{name}".endswith(f".{zone}")
