"""What others have to publish for us, and the words in which to ask for it. Each is looked up before it is told."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ironpost.dns.records import Layout
from ironpost.dns.records.addresses import address_sets, pointer_sets
from ironpost.dns.records.dmarc import agreement
from ironpost.dns.recordset import TTL, RecordSet, rdata_of
from ironpost.dns.resolver import Resolver, first_answer
from ironpost.mailhost import MailHost


@dataclass(frozen=True)
class Request:
    """A record set in somebody else's zone. `about`: the host or domain of ours that needs it."""

    about: str
    wanted: RecordSet
    whom: str
    words: str

    @property
    def line(self) -> str:
        """As a line of a zone file."""
        rtype = self.wanted.id.rtype
        values = [rdata_of(rtype, value).to_text() for value in self.wanted.values or ()]
        return " / ".join(f"{self.wanted.id.name}. {TTL} IN {rtype} {value}" for value in values)


def requests(mailhosts: tuple[MailHost, ...], limit: tuple[str, ...] = ()) -> Iterator[Request]:
    """Everything that is in nobody's zone of this inventory; `limit` names hosts and domains, empty means all."""
    layout = Layout(mailhosts)
    for mailhost in mailhosts:
        if not limit or mailhost.name in limit:
            yield from pointers(mailhost)
            yield from foreign_addresses(mailhost, layout)
    for domain, there in layout.reports:
        if layout.home(there) is None and (not limit or domain in limit):
            words = f"Please agree to receive the DMARC reports on {domain}: publish this TXT record in {there}."
            yield Request(domain, agreement(domain, there), f"whoever runs {there}", words)


def pointers(mailhost: MailHost) -> Iterator[Request]:
    for wanted in pointer_sets(mailhost) if not mailhost.reverse_dns else ():
        address = next(each for each in mailhost.addresses if reverse(each) == wanted.id.name)
        words = f"Please set the reverse DNS (PTR) of {address} to {mailhost.name}, and to nothing else."
        yield Request(mailhost.name, wanted, f"the provider of {address}", words)


def reverse(address: str) -> str:
    return ipaddress.ip_address(address).reverse_pointer


def foreign_addresses(mailhost: MailHost, layout: Layout) -> Iterator[Request]:
    if layout.home(mailhost.name) is None:
        zone = mailhost.name.partition(".")[2]
        for wanted in address_sets(mailhost, {}):
            words = f"Please publish the address of {mailhost.name}."
            yield Request(mailhost.name, wanted, f"whoever runs {zone}", words)


def unmet(wanted: Iterable[Request], asked: Sequence[Resolver]) -> list[tuple[Request, str]]:
    """Those requests that the DNS does not show as fulfilled, each with what it shows in their place."""
    found = []
    for request in wanted:
        heard = first_answer(asked, request.wanted.id.name, request.wanted.id.rtype)
        values = tuple(value for value in heard.values if request.wanted.id.holds(value))
        if values != request.wanted.values:
            found.append((request, heard.error or " and ".join(values) or "nothing"))
    return found


def request_lines(request: Request, shown: str) -> Iterator[str]:
    yield f"{request.about} {request.wanted.id.rtype} is in a zone of others, which shows {shown}; ask {request.whom}:"
    yield f"      {request.words}"
    yield f"      {request.line}"
