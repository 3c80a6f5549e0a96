"""Controls on the way out, on policies and on report addresses, with evidence made by hand."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any

import pytest

from ironpost.controls import outbound, sts
from ironpost.evidence.letters import Letter, Letters
from ironpost.evidence.probes import Probes
from ironpost.evidence.zone import Answer, Zone
from tests.unit.test_controls import Host

ADDRESS = "192.0.2.1"
POLICY = "version: STSv1\nmode: enforce\nmx: mx1.example.org\nmax_age: 1209600\n"
ID = f"e{hashlib.sha256(POLICY.encode()).hexdigest()[:24]}"
GOOD_RECORD = f"v=STSv1; id={ID}"
GOOD_REPORTS = "v=TLSRPTv1; rua=mailto:anna@example.org"


def web(text: str = POLICY, **changes: Any) -> dict[str, Any]:
    """What the prober says of a policy's web server that is in order, with changes."""
    whole = {
        "problem": None,
        "policy": {"status": 200, "kind": "text/plain", "text": text},
        "top": 404,
        "versions": {"TLSv1": {"alert": 70}, "TLSv1.1": {"alert": 70}},
        "suites": ["ECDHE-ECDSA-AES256-GCM-SHA384"],
    }
    return whole | changes


def probes(seen: dict[str, Any], record: str = GOOD_RECORD, reports: str = GOOD_REPORTS) -> Probes:
    zone = {
        ("_mta-sts.example.org", "TXT"): (Answer("ns", tuple(filter(None, record.split("|")))),),
        ("_smtp._tls.example.org", "TXT"): (Answer("ns", tuple(filter(None, reports.split("|")))),),
        ("example.org", "MX"): (Answer("ns", ("10 mx1.example.org",)),),
    }
    parts = {"policy/example.org": seen, "reports": {"anna@example.org": [250, "ok"]}}
    return Probes({"addresses": {ADDRESS: parts}, "sources": ["198.51.100.1"]}, Zone(zone))


def test_a_policy_in_order_holds() -> None:
    """The broken ones below differ from this one by one thing each."""
    seen = probes(web())
    for claimed in (sts.AnnouncedPolicyIsTheServedOne, sts.PolicyIsServedOverHttps, sts.PolicyNamesTheMxHosts):
        assert claimed().outside(Host(), seen).state == "holds"  # type: ignore[arg-type]
    assert sts.PolicyLastsLongEnough().strict_outside(Host(), seen).state == "holds"  # type: ignore[arg-type]
    assert sts.ReportsHaveAMailbox().outside(Host(), seen).state == "holds"  # type: ignore[arg-type]


@pytest.mark.parametrize("record", ["", f"{GOOD_RECORD}|v=STSv1; id=e2", "v=STSv1; id=e2", "v=STSv1; id=not an id"])
def test_an_announcement_that_misleads_is_broken(record: str) -> None:
    """None, two, an old one, and one that nobody can read."""
    seen = probes(web(), record)
    assert sts.AnnouncedPolicyIsTheServedOne().outside(Host(), seen).state == "broken"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "seen",
    [
        web(problem="self-signed certificate"),
        web(policy={"status": 301, "kind": "text/html", "text": ""}),
        web(policy={"status": 200, "kind": "text/html", "text": POLICY}),
        web(top=200),
        web(versions={"TLSv1": {"version": "TLSv1"}, "TLSv1.1": {"alert": 70}}),
        web(suites=["AES128-SHA"]),
    ],
    ids=["certificate", "redirect", "type", "top", "version", "suite"],
)
def test_a_web_server_that_senders_turn_away_from_is_broken(seen: dict[str, Any]) -> None:
    """RFC 8461 §3.3 has no mercy, and no sender tells."""
    assert sts.PolicyIsServedOverHttps().outside(Host(), probes(seen)).state == "broken"  # type: ignore[arg-type]


@pytest.mark.parametrize("named", ["mx: mx2.example.org", "mx: mx1.example.org\nmx: mx2.example.org", "mx: *.org"])
def test_a_policy_with_other_mx_hosts_is_broken(named: str) -> None:
    """One too few loses mail, one too many is a door for somebody else."""
    text = POLICY.replace("mx: mx1.example.org", named)
    assert sts.PolicyNamesTheMxHosts().outside(Host(), probes(web(text))).state == "broken"  # type: ignore[arg-type]


@pytest.mark.parametrize(("mode", "age", "baseline", "strict"), [
    ("testing", "604800", "holds", "broken"),
    ("testing", "3600", "broken", "broken"),
    ("enforce", "604800", "broken", "broken"),
    ("enforce", "99999999", "broken", "broken"),
    ("none", "86400", "broken", "broken"),
])  # fmt: skip
def test_a_policy_must_be_remembered(mode: str, age: str, baseline: str, strict: str) -> None:
    """A policy of `none` is no policy while the inventory says enforce."""
    seen = probes(web(POLICY.replace("enforce", mode).replace("1209600", age)))
    control = sts.PolicyLastsLongEnough()
    assert control.outside(Host(), seen).state == baseline  # type: ignore[arg-type]
    assert control.strict_outside(Host(), seen).state == strict  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "reports",
    ["", "v=TLSRPTv1;", "v=TLSRPTv1; rua=ftp://x", f"{GOOD_REPORTS}|{GOOD_REPORTS},https://x.example/", "v=TLSRPTv1; "
     "rua=mailto:gone@example.org"],
)  # fmt: skip
def test_reports_that_reach_nobody_are_broken(reports: str) -> None:
    """Missing, without an address, twice, and to a mailbox that was never asked for."""
    seen = probes(web(), reports=reports)
    assert sts.ReportsHaveAMailbox().outside(Host(), seen).state == "broken"  # type: ignore[arg-type]


OVER_TLS = (
    "from mx1.example.org (mx1.example.org [192.0.2.1]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 "
    "bits) key-exchange X25519 server-signature ECDSA) by mx2.example.com (Postfix) with ESMTPS id 4jYy"
)


def arrived(received: str) -> Probes:
    letter = Letter("dave@example.com", "INBOX", "", (), (), (("Received", "from mx2 by mx2 with LMTP"),
                                                             ("Received", received)))  # fmt: skip
    return dataclasses.replace(probes(web()), letters_seen=Letters({"written": letter}, {}))


@pytest.mark.parametrize(
    ("received", "broken"),
    [
        (OVER_TLS, set()),
        (OVER_TLS.replace("TLSv1.3", "TLSv1"), {"TLC-06"}),
        (OVER_TLS.partition(" (using")[0] + " by mx2.example.com (Postfix) with ESMTP id 4jYy", {"TLC-01", "TLC-06"}),
        (OVER_TLS.replace("from mx1.example.org", "from localhost"), {"TLC-09"}),
        (OVER_TLS.replace("(mx1.example.org [", "(unknown ["), {"TLC-09"}),
        (OVER_TLS.replace("192.0.2.1", "192.0.2.9"), {"TLC-09"}),
    ],
)
def test_the_received_line_of_another_host_tells_how_mail_left(received: str, broken: set[str]) -> None:
    """It is written by the host that got the letter, not by the one that is judged."""
    judges = {
        "TLC-01": outbound.MailLeavesOverTls(),
        "TLC-06": outbound.NoOldTlsOnTheWayOut(),
        "TLC-09": outbound.GreetsWithItsOwnName(),
    }
    states = {name: judge.outside(Host(), arrived(received)).state for name, judge in judges.items()}  # type: ignore[arg-type]
    assert states == {name: "broken" if name in broken else "holds" for name in judges}


def test_what_this_host_wrote_of_its_own_client_says_nothing_of_how_mail_left() -> None:
    """Where such a field left with the letter, LOG-11 finds it; it is no deviation of the way out."""
    client = "from [127.0.0.1] (unknown [198.51.100.9]) (using TLSv1 with cipher X) by mx1.example.org (Postfix) with X"
    seen = arrived(OVER_TLS)
    letter = seen.letters.written
    both = dataclasses.replace(letter, headers=(*letter.headers, ("Received", client)))
    seen = dataclasses.replace(seen, letters_seen=Letters({"written": both}, {}))
    for judge in (outbound.NoOldTlsOnTheWayOut(), outbound.GreetsWithItsOwnName()):
        assert judge.outside(Host(), seen).state == "holds"  # type: ignore[arg-type]
