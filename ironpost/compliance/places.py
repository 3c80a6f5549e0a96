"""Where in the DNS the controls look: everything that matters to one mail host."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator

import dns.reversename

from ironpost.evidence.zone import NO_SUCH_NAME, Answer, Place
from ironpost.mailhost import MailHost

NO_SUCH_SELECTOR = "nobody-has-this-selector"  # what a wildcard would answer for
SERVICES = ("_submissions", "_submission", "_imaps", "_imap", "_pop3s", "_pop3")


def pointer_name(address: str) -> str:
    return dns.reversename.from_address(address).to_text(omit_final_dot=True)


def first_places(mailhost: MailHost) -> set[Place]:
    places = {(mailhost.name, rtype) for rtype in ("A", "AAAA", "TXT")}
    places |= {(pointer_name(address), "PTR") for address in mailhost.addresses}
    places |= {(name, "CAA") for name in mailhost.certificate_names}
    for domain in mailhost.domains:
        places |= set(domain_places(domain.name))
    for name in mailhost.parked_names:
        places |= {(name, rtype) for rtype in ("MX", "TXT")} | {(f"_dmarc.{name}", "TXT")}
        places.add((f"{NO_SUCH_NAME}-{uuid.uuid4().hex[:8]}._domainkey.{name}", "TXT"))
    return places


def domain_places(name: str) -> Iterator[Place]:
    yield from ((name, rtype) for rtype in ("MX", "TXT", "TYPE99", "DNSKEY", "NSEC3PARAM"))
    yield from ((f"{label}.{name}", "TXT") for label in ("_dmarc", "_mta-sts", "_smtp._tls", "_ironpost"))
    yield from ((f"{word}_domainkey.{name}", "TXT") for word in ("", "_adsp.", f"{NO_SUCH_SELECTOR}."))
    yield from ((f"{service}._tcp.{name}", "SRV") for service in SERVICES)
    # A name that nobody can have published: whatever answers is a wildcard.
    nobody = f"{NO_SUCH_NAME}-{uuid.uuid4().hex[:8]}.{name}"
    yield from ((nobody, rtype) for rtype in ("MX", "TXT", "A", "AAAA"))


def later_places(found: dict[Place, tuple[Answer, ...]]) -> set[Place]:
    """The addresses of what other records lead to, and the agreements of those who get reports."""
    targets = {
        value.split()[-1]
        for (_, rtype), answers in found.items()
        if rtype in ("MX", "PTR", "SRV")
        for answer in answers
        for value in answer.values
    }
    places = {(target, rtype) for target in targets - {"", "."} for rtype in ("A", "AAAA")}
    return places | set(agreements(found))


def agreements(found: dict[Place, tuple[Answer, ...]]) -> Iterator[Place]:
    for (name, rtype), answers in found.items():
        if rtype == "TXT" and name.startswith("_dmarc."):
            domain = name.removeprefix("_dmarc.")
            yield from ((f"{domain}._report._dmarc.{there}", "TXT") for there in report_domains(domain, answers))


def report_domains(domain: str, answers: Iterable[Answer]) -> Iterator[str]:
    """Foreign ones: neither above nor below the domain."""
    text = " ".join(value for answer in answers for value in answer.values)
    for there in re.findall(r"mailto:[^@\s,;!]+@([a-z0-9.-]+)", text.lower()):
        if not f".{there}".endswith(f".{domain}") and not f".{domain}".endswith(f".{there}"):
            yield there
