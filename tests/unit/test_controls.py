"""Controls on evidence made by hand: held, broken, and unknown when something is missing."""

from __future__ import annotations

import dataclasses
import datetime
import re
from typing import Any

import pytest

from ironpost.compliance.judge import UNREADABLE, side
from ironpost.compliance.proof import Judged
from ironpost.controls import CLAIMED, CONTROLS, dmarc, keys, spf
from ironpost.controls.control import Verdict, broken, holds
from ironpost.errors import UnverifiableError
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot, expanded
from ironpost.evidence.zone import Answer, Zone
from ironpost.mailhost.member import Member


def test_the_catalogue_is_complete_and_each_control_says_why() -> None:
    """An auditor reads claim, reason and reference; each finding must lead somewhere."""
    ids = [control.id for control in CONTROLS]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[A-Z]{2,5}-\d{2}", name) for name in ids)
    for control, claimed in zip(CONTROLS, CLAIMED, strict=True):
        assert control.sides and control.why and control.reference, control.id
        assert claimed.__name__[0].isupper() and control.claim[0].isupper() and not control.claim.endswith(".")


@pytest.mark.parametrize(
    ("inside", "outside", "state", "disagree"),
    [
        (holds(), holds(), "holds", False),
        (holds(), broken("f", "r"), "broken", True),
        (Verdict("unknown", "why"), holds(), "unknown", False),
        (Verdict("unknown", "why"), broken("f", "r"), "broken", False),
        (None, holds(), "holds", False),
        (None, Verdict("not applicable", "why"), "not applicable", False),
    ],
)
def test_the_worse_side_decides(inside: Verdict | None, outside: Verdict, state: str, disagree: bool) -> None:
    """What was not seen does not hold, and a contradiction is a finding."""
    judged = Judged("mx1", CONTROLS[0], inside, outside)
    assert (judged.state, judged.disagree) == (state, disagree)


def test_no_control_holds_on_no_evidence() -> None:
    """An empty snapshot and empty probes: not one verdict of `holds`, and no exception."""
    nothing = (Snapshot({}), Probes({"addresses": {"192.0.2.1": {}}, "sources": ["198.51.100.1"]}))
    mailhost = Host()
    for control in CONTROLS:
        for judge, evidence in ((control.inside, nothing[0]), (control.outside, nothing[1])):
            verdict = side(judge, mailhost, evidence)  # type: ignore[arg-type]
            assert verdict is None or verdict.state == "unknown", (control.id, verdict)
            assert verdict is None or not verdict.found.startswith(UNREADABLE), (control.id, verdict)


def test_an_unreachable_host_is_unknown_on_every_control() -> None:
    """The reason is told, not guessed."""
    for control in CONTROLS:
        judge = control.inside or control.outside or control.inventory
        verdict = side(judge, Host(), UnverifiableError("mx1: no route"))  # type: ignore[arg-type]
        assert verdict == Verdict("unknown", "mx1: no route")


@dataclasses.dataclass(frozen=True)
class Host:
    """As much of a mail host as controls ask for before they look at evidence."""

    name: str = "mx1.example.org"
    tls: str = "modern"
    cleartext_ports: tuple[str, ...] = ()
    domain_names: tuple[str, ...] = ("example.org",)
    main_domain: str = "example.org"
    addresses: tuple[str, ...] = ("192.0.2.1",)
    fleet_addresses: tuple[str, ...] = ("192.0.2.1",)
    ipv4: str = "192.0.2.1"
    ipv6: None = None
    probe: None = None
    certificate: None = None
    certificate_names: tuple[str, ...] = ("mx1.example.org",)
    certificate_authorities: tuple[str, ...] = ("ca.example",)
    parked_names: tuple[str, ...] = ("parked.example",)
    accounts: tuple[Any, ...] = ()
    fleet_names: tuple[str, ...] = ("mx1.example.org",)
    relay_clients: tuple[Any, ...] = ()
    client_certificates: Any = None
    smarthosts: tuple[Any, ...] = ()
    roles: tuple[str, ...] = ("mx", "submission", "mailbox")
    inner: None = None
    counts_with: tuple[Any, ...] = (Member("mx2.example.org", frozenset({"submission"}), frozenset({"example.org"})),)
    login_accounts: tuple[Any, ...] = ()
    forwards: bool = False
    forwarders: tuple[Any, ...] = ()
    directory: None = None
    database: None = None

    @property
    def domains(self) -> tuple[Any, ...]:
        return (Hosted(),)

    @property
    def ssh(self) -> Any:
        return Ssh()

    @property
    def allow(self) -> Any:
        return Allowed()


@dataclasses.dataclass(frozen=True)
class Keys:
    rsa: str = "r1"
    ed25519: str = "e1"


@dataclasses.dataclass(frozen=True)
class Hosted:
    name: str = "example.org"
    dkim: Keys = Keys()
    mta_sts: str = "enforce"
    dmarc_policy: str = "reject"
    autoconfig: bool = True
    observe_until: None = None


@dataclasses.dataclass(frozen=True)
class Ssh:
    port: int = 22


@dataclasses.dataclass(frozen=True)
class Allowed:
    ssh: tuple[str, ...] = ("192.0.2.0/24",)
    submission: tuple[str, ...] = ()
    imap: tuple[str, ...] = ()
    pop3: tuple[str, ...] = ()
    managesieve: tuple[str, ...] = ()
    wide: tuple[str, ...] = ()


def zone(**records: str) -> Zone:
    """`example_org__TXT="v=spf1 …"`: one server, one value at each place; several are split at |."""
    return Zone(
        {
            (place.rpartition("__")[0].replace("_", "."), place.rpartition("__")[2]): (
                Answer("ns", tuple(filter(None, values.split("|")))),
            )
            for place, values in records.items()
        }
    )


@pytest.mark.parametrize(
    ("policy", "address", "result"),
    [
        ("v=spf1 mx ~all", "192.0.2.1", "pass"),
        ("v=spf1 mx ~all", "192.0.2.9", "softfail"),
        ("v=spf1 mx/28 -all", "192.0.2.9", "pass"),
        ("v=spf1 mx -all", "2001:db8::1", "pass"),
        ("v=spf1 mx//64 -all", "2001:db8::99", "pass"),
        ("v=spf1 a:mx1.example.org -all", "192.0.2.2", "fail"),
        ("v=spf1 ip4:198.51.100.0/28 ?all", "198.51.100.3", "pass"),
        ("v=spf1 include:other.example -all", "203.0.113.5", "pass"),
        ("v=spf1 include:other.example -all", "203.0.113.6", "fail"),
        ("v=spf1 redirect=other.example", "203.0.113.5", "pass"),
        ("v=spf1 mx ~all|v=spf1 -all", "192.0.2.1", "permerror"),
        ("something else", "192.0.2.1", "none"),
    ],
)
def test_spf_is_evaluated_as_receivers_do(policy: str, address: str, result: str) -> None:
    """RFC 7208 §4 on what the servers showed."""
    seen = zone(
        example_org__TXT=policy,
        example_org__MX="10 mx1.example.org",
        mx1_example_org__A="192.0.2.1",
        mx1_example_org__AAAA="2001:db8::1",
        other_example__TXT="v=spf1 ip4:203.0.113.5 -all",
    )
    assert spf.check_host(seen, "example.org", address) == result


def test_a_macro_in_spf_is_unknown() -> None:
    """What is not evaluated is not judged."""
    with pytest.raises(NotCollectedError, match="macro"):
        spf.check_host(zone(example_org__TXT="v=spf1 exists:%{i}.x.example -all"), "example.org", "192.0.2.1")


@pytest.mark.parametrize(
    ("policy", "count"),
    [
        ("v=DMARC1; p=reject; rua=mailto:a@example.org", 0),
        ("v=DMARC1; p=none", 0),
        ("v=DMARC1; rua=mailto:a@example.org; p=none", 1),
        ("v=DMARC1; p=reject; pct=50", 1),
        ("v=DMARC1; p=refuse", 1),
        ("v=DMARC1; p=reject; rua=a@example.org", 1),
        ("p=reject; v=DMARC1", 2),
    ],
)
def test_dmarc_mistakes_are_counted(policy: str, count: int) -> None:
    """Valid under both grammars, or told."""
    assert len(dmarc.mistakes(policy)) == count


RSA = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC"  # cut short: not a key


@pytest.mark.parametrize(
    ("values", "count"),
    [
        (("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",), 0),
        (("v=DKIM1; p=",), 0),
        (("v=DKIM1; t=y; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",), 1),
        (("k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=; v=DKIM1",), 1),
        (("v=DKIM1; g=*; p=",), 1),
        ((f"v=DKIM1; k=rsa; p={RSA}",), 1),
        (("v=DKIM1; k=ed25519; p=c2hvcnQ=",), 1),
        (("v=DKIM1; k=ecdsa; p=",), 1),
        (("v=DKIM1; p=", "v=DKIM1; p="), 1),
        ((), 1),
    ],
)
def test_mistakes_in_key_records_are_counted(values: tuple[str, ...], count: int) -> None:
    """Each verifier would decide by itself what such a record is worth (RFC 6376 §3.6.1)."""
    assert len(keys.mistakes(values)) == count


def test_a_selector_tells_its_age_only_where_it_was_made_up() -> None:
    """The month is all that it says, so the key is given the benefit of the whole month."""
    now = datetime.datetime(2025, 8, 1, tzinfo=datetime.UTC)
    assert keys.days_since("mx1-202501kfzt-r", now) == 182
    assert keys.days_since("2026q4", now) == 0


def test_references_in_overrides_are_looked_up() -> None:
    """`-o smtpd_relay_restrictions=$submission_relay_restrictions` is judged by what it stands for."""
    settings = {"a": "$b, ${c}", "b": "permit", "c": "$(b)"}
    assert expanded(settings["a"], settings) == "permit, permit"


DOVECOT = """\
ssl = required
passdb passwd-file {
  path = /x
}
service imap-login {
  inet_listener imap {
    port = 0
  }
}
"""


def test_dovecot_blocks_and_postfix_services_are_read() -> None:
    """Both releases' outputs, in short."""
    raw = {
        "dovecot": {"text": DOVECOT},
        "postfix": {
            "main": {"text": "mynetworks = 127.0.0.0/8\nempty =\n"},
            "services": {"text": "smtp       inet  n       -       n       -       -       smtpd\n"},
            "overrides": {"text": "smtp/inet/smtpd_sasl_auth_enable = no\n"},
        },
        "listeners": {"text": 'tcp LISTEN 0 100 0.0.0.0:25 0.0.0.0:* users:(("master",pid=1,fd=2))\n'},
    }
    snapshot = Snapshot(raw)
    assert snapshot.dovecot["service imap-login/inet_listener imap/port"] == "0"
    assert snapshot.postfix.service("smtp/inet")["smtpd_sasl_auth_enable"] == "no"
    assert snapshot.postfix.value("empty") == ""
    assert snapshot.listeners[0].programs == {"master"} and not snapshot.listeners[0].is_loopback
    with pytest.raises(NotCollectedError):
        snapshot.postfix.service("submission/inet")
