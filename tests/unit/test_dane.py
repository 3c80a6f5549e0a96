"""The DANE controls on evidence made by hand."""

from __future__ import annotations

import json
from typing import Any

from ironpost.compliance.programs.prober import dane as prober
from ironpost.controls.dane import NoKeyIsServedTooEarly, TlsaIsPublishedAndSecure
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost
from ironpost.secret import Secret
from ironpost.settings import Acme, CertificateFiles

BY_ACME = MailHost(name="mx1.example.org", certificate=Acme(contact="a@example.org", challenge="http-01"))
BY_FILES = MailHost(name="mx1.example.org", certificate=CertificateFiles(chain="c.pem", key=Secret.env("UNREAD")))


def rolls(*past: dict[str, int]) -> Snapshot:
    return Snapshot({"tls_rolls": {"text": json.dumps(past)}})


def test_a_key_that_was_served_before_two_ttls_had_passed_is_a_finding() -> None:
    """DANE-04: the host's own record of the past, with the arithmetic of the control's own."""
    control = NoKeyIsServedTooEarly()
    assert control.inside(BY_ACME, rolls({"shown": 1000, "ttl": 300, "switched": 1600})).state == "holds"
    early = control.inside(BY_ACME, rolls({"shown": 1000, "ttl": 300, "switched": 1599}))
    assert early.state == "broken" and "599 s" in early.found
    assert control.inside(BY_ACME, rolls()).state == "holds"
    assert control.inside(BY_FILES, rolls()).state == "not applicable"


def seen(**answer: Any) -> Probes:
    return Probes({"addresses": {}, "dane": {"25": {"secure": True, "code": 0, "records": [], **answer}}})


def test_records_count_only_where_dnssec_proves_them() -> None:
    """DANE-01: an answer without AD is one that anybody could have made."""
    control = TlsaIsPublishedAndSecure()
    good = [[3, 1, 1, "aa"]]
    assert control.outside(BY_ACME, seen(records=good)).state == "holds"
    assert "validated" in control.outside(BY_ACME, seen(records=good, secure=False)).found
    assert "no TLSA" in control.outside(BY_ACME, seen()).found
    assert "usage 0 or 1" in control.outside(BY_ACME, seen(records=[[1, 1, 1, "aa"]])).found


def test_the_prober_reads_a_reply_as_it_comes_over_the_wire() -> None:
    """A DNS client of a few lines must read pointers, flags and records as RFC 1035 has them."""
    question = b"\x03_25\x04_tcp\x03mx1\x07example\x03org\x00\x00\x34\x00\x01"
    answer = b"\xc0\x0c\x00\x34\x00\x01\x00\x00\x00\x05\x00\x23\x03\x01\x01" + bytes(range(32))
    reply = b"\x12\x34\x81\xa0\x00\x01\x00\x01\x00\x00\x00\x00" + question + answer
    assert prober.understood(reply) == {"secure": True, "code": 0, "records": [[3, 1, 1, bytes(range(32)).hex()]]}
