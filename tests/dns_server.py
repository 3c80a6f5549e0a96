"""A small name server on loopback that answers by UDP as a test tells it to: authoritative, or like a resolver."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Records = dict[tuple[str, str], tuple[str, ...]]


@dataclass
class Answers:
    """What one server holds. `ttl`: of every answer. `secure`: it validated; `validates`: at least the root.

    `silent`: it drops all.
    `bogus`: names whose answers it refuses unless checking is off (RFC 4035 §3.2.2).
    """

    records: Records
    zone: str = "example.org"
    ttl: int = 300
    secure: bool = False
    validates: bool = True
    silent: bool = False
    bogus: frozenset[str] = field(default_factory=frozenset)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        reply.flags |= dns.flags.AA | (dns.flags.AD if self.secure or (self.validates and name == ".") else 0)
        if name in self.bogus and not query.flags & dns.flags.CD:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply
        values = self.records.get((name, dns.rdatatype.to_text(question.rdtype)))
        if values:
            reply.answer.append(dns.rrset.from_text_list(question.name, self.ttl, "IN", question.rdtype, values))
            return reply
        soa = self.records[self.zone, "SOA"]
        reply.authority.append(dns.rrset.from_text_list(dns.name.from_text(self.zone), self.ttl, "IN", "SOA", soa))
        if name and not any(name == held or held.endswith(f".{name}") for held, _ in self.records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply


@contextmanager
def serving(answers: Answers) -> Iterator[int]:
    """The port on 127.0.0.1 at which it answers meanwhile."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        door.settimeout(0.05)
        over = threading.Event()
        thread = threading.Thread(target=serve, args=(door, answers, over))
        thread.start()
        try:
            yield door.getsockname()[1]
        finally:
            over.set()
            thread.join()


def serve(door: socket.socket, answers: Answers, over: threading.Event) -> None:
    while not over.is_set():
        try:
            wire, client = door.recvfrom(4096)
        except TimeoutError:
            continue
        if not answers.silent:
            door.sendto(answers.answer(dns.message.from_wire(wire)).to_wire(), client)
