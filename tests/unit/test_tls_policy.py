"""The lookup that puts DANE before MTA-STS, asked as Postfix asks it, with a name server and a resolver of the test."""

from __future__ import annotations

import contextlib
import socket
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from ironpost.render import render
from tests.golden.trees import MAILHOSTS

DIGEST = "ab" * 32
SECURE = "OK secure match=mx1.example.net servername=hostname"
Records = dict[tuple[str, str], list[str]]

ONE_HOST: Records = {
    ("example.net", "MX"): ["10 mx1.example.net."],
    ("mx1.example.net", "A"): ["192.0.2.1"],
}
TWO_HOSTS: Records = {
    ("example.net", "MX"): ["10 mx1.example.net.", "20 mx2.example.net."],
    ("mx1.example.net", "A"): ["192.0.2.1"],
    ("mx2.example.net", "AAAA"): ["2001:db8::2"],
}


def tlsa(*numbers: int, digest: str = DIGEST, host: str = "mx1") -> Records:
    return {(f"_25._tcp.{host}.example.net", "TLSA"): [f"{' '.join(map(str, numbers))} {digest}"]}


def program() -> Any:
    module = types.ModuleType("tls_policy")
    path = "/usr/lib/ironpost/tls-policy"
    exec(compile(render(path, MAILHOSTS[0]), path, "exec"), module.__dict__)  # noqa: S102 - our own program
    return module


class NameServer:
    """Answers over UDP from `records`; `insecure` names are not validated, `broken` ones fail."""

    def __init__(self, records: Records, insecure: set[str], broken: set[str]) -> None:
        self.records, self.insecure, self.broken = records, insecure, broken
        self.door = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.door.bind(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                data, client = self.door.recvfrom(4096)
                self.door.sendto(self.answer(dns.message.from_wire(data)).to_wire(), client)

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), question.rdtype.name
        reply = dns.message.make_response(query)
        if name in self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
            return reply
        if name not in self.insecure:
            reply.flags |= dns.flags.AD
        if values := self.records.get((name, kind)):
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *values))
        return reply


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Any]:
    """A function: records → what the program answers for example.net."""
    doors: list[socket.socket] = []

    def ask(records: Records, said: str | None = SECURE, insecure: tuple[str, ...] = (), broken: tuple[str, ...] = ()):
        module = program()
        server = NameServer(records, set(insecure), set(broken))
        doors.append(server.door)
        module.DNS, module.DNS_SECONDS = server.door.getsockname(), 1
        module.RESOLVER = str(tmp_path / f"resolver{len(doors)}")
        if said is not None:
            doors.append(resolver(module.RESOLVER, said))
        return module.answer(b"postfix example.net")

    yield ask
    for door in doors:
        door.close()


def resolver(path: str, said: str) -> socket.socket:
    """A daemon that answers every question of socketmap_table(5) alike."""
    door = socket.socket(socket.AF_UNIX)
    door.bind(path)
    door.listen()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                stream, _ = door.accept()
                with stream:
                    assert stream.recv(4096) == b"19:postfix example.net,"
                    stream.sendall(f"{len(said)}:{said},".encode())

    threading.Thread(target=serve, daemon=True).start()
    return door


def test_where_all_mx_hosts_have_dane_postfix_does_it_by_itself(asked: Any) -> None:
    """An answer would take the place of `dane`. The MTA-STS resolver need not even be there."""
    assert asked(ONE_HOST | tlsa(3, 1, 1), said=None) == "NOTFOUND "


def test_where_only_some_have_dane_the_others_are_left_out_under_a_policy(asked: Any) -> None:
    """A host without TLSA records would get mail unverified, which the policy forbids."""
    assert asked(TWO_HOSTS | tlsa(3, 1, 1)) == "OK dane-only"
    assert asked(TWO_HOSTS | tlsa(3, 1, 1), said="NOTFOUND ") == "NOTFOUND "


def test_without_dane_the_policy_counts(asked: Any) -> None:
    """Most domains with a policy have no DNSSEC."""
    assert asked(ONE_HOST) == SECURE
    assert asked(ONE_HOST, said="NOTFOUND ") == "NOTFOUND "


@pytest.mark.parametrize("insecure", ["example.net", "mx1.example.net", "_25._tcp.mx1.example.net"])
def test_dane_needs_dnssec_for_mx_address_and_tlsa(asked: Any, insecure: str) -> None:
    """RFC 7672 §2.2: what is not proven could be written by anybody on the way."""
    assert asked(ONE_HOST | tlsa(3, 1, 1), insecure=(insecure,)) == SECURE


@pytest.mark.parametrize(
    ("numbers", "digest", "usable"),
    [
        ((3, 1, 1), DIGEST, True),
        ((2, 0, 1), DIGEST, True),
        ((3, 1, 2), DIGEST * 2, True),
        ((1, 1, 1), DIGEST, False),  # PKIX-EE: RFC 7672 §3.1.3 leaves it undefined for SMTP
        ((3, 9, 1), DIGEST, False),
        ((3, 1, 9), DIGEST, False),
    ],
)
def test_only_usable_tlsa_records_count(asked: Any, numbers: tuple[int, ...], digest: str, usable: bool) -> None:
    """Postfix encrypts without verification where none is usable; a policy asks for more."""
    assert asked(ONE_HOST | tlsa(*numbers, digest=digest)) == ("NOTFOUND " if usable else SECURE)


def test_a_digest_of_the_wrong_length_is_not_usable() -> None:
    """It can match nothing; a name server that checks its zone refuses to serve it, others do not."""
    usable = program().usable
    assert usable(b"\x03\x01\x01" + bytes(32)) and not usable(b"\x03\x01\x01" + bytes(31)) and not usable(b"\x03")


@pytest.mark.parametrize("broken", ["example.net", "mx1.example.net", "_25._tcp.mx1.example.net"])
def test_what_cannot_be_looked_up_makes_mail_wait(asked: Any, broken: str) -> None:
    """An attacker who drops answers must not gain a delivery without verification."""
    assert asked(ONE_HOST | tlsa(3, 1, 1), broken=(broken,)).startswith("TEMP ")


def test_a_resolver_that_is_away_makes_mail_wait(asked: Any) -> None:
    """Its silence says nothing about the other side."""
    assert asked(ONE_HOST, said=None).startswith("TEMP the MTA-STS resolver does not answer")


def test_a_domain_without_mail_is_left_to_postfix(asked: Any) -> None:
    """A null MX (RFC 7505) has no host that could be verified; Postfix bounces by itself."""
    assert asked({("example.net", "MX"): ["0 ."]}, said="NOTFOUND ") == "NOTFOUND "


@pytest.mark.parametrize("key", ["192.0.2.1", "2001:db8::1", "[mx1.example.net]", "[mx1.example.net]:25", ".net", ""])
def test_next_hops_that_are_no_domains_are_nobodys_business(key: str) -> None:
    """MTA-STS is about domains that are found by MX; a smart host has a line of its own."""
    assert program().answer(f"postfix {key}".encode()) == "NOTFOUND "


def test_a_name_that_points_at_itself_ends() -> None:
    """The answer comes from a network."""
    module = program()
    with pytest.raises(IndexError):
        module.name_at(b"\0" * 12 + b"\xc0\x0c", 12)
