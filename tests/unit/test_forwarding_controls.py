"""What FWD-01 to FWD-04 make of evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ironpost.controls.forwarding import (
    ForgedReturnAddressesAreRefused,
    ForwardedMailIsSealed,
    OnlyNamedAddressesGetMail,
    SendersAreWrittenAnew,
)
from ironpost.controls.relay import FORWARD_DOOR, FORWARDED
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from tests.unit.test_forwarding import read

GOOD: dict[str, Any] = {
    "rules": {"frieda@example.org": ["bob@example.net"]},
    "allowed": {"frieda@example.org": 1},
    "destinations": ["bob@example.net"],
    "senders": {
        "written": "SRS0=abcdef=JT=relay.invalid=probe@mx1.example.org",
        "back": "probe@relay.invalid",
        "forged": "",
    },
    "secrets": {
        "file": {"mode": 0o640, "uid": 0, "gid": 9},
        "owner": "root",
        "group": "postsrsd",
        "lines": 2,
        "days": 3.0,
    },
    "seals": {"example.org": {"seal": "i=1; s=x; d=example.org; cv=none;", "symbols": ["ARC_SIGNED"]}},
}


def seen(door: str = FORWARD_DOOR, door_rules: str = " ".join(FORWARDED), main: str = "", **changes: Any) -> Snapshot:
    merged = {name: GOOD[name] | value if isinstance(value, dict) else value for name, value in changes.items()}
    forwarding = GOOD | merged
    return Snapshot(
        {
            "forwarding": forwarding,
            "postfix": {
                "main": {"text": f"sender_canonical_maps = {main}\ncanonical_maps =\n"},
                "services": {"text": f"{door.partition('/')[0]} inet n - n - - smtpd\n" if door else ""},
                "overrides": {"text": f"{door}/smtpd_relay_restrictions = {door_rules}\n" if door else ""},
            },
        }
    )


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"rules": {"anna@example.org": ["eve@example.net"]}}, "anna@example.org sends on to eve@example.net"),
        ({"rules": {"frieda@example.org": []}}, "frieda@example.org sends on to nobody"),
        ({"allowed": {"anna@example.org": 4}}, "rules of anna@example.org may send on to 4 addresses"),
        ({"destinations": ["bob@example.net", "eve@example.net"]}, "Postfix lets mail be sent on to eve@example.net"),
        ({"door_rules": "permit_mynetworks reject"}, "smtpd_relay_restrictions = permit_mynetworks reject"),
        ({"door": "4527/inet"}, "what is forwarded enters at 4527/inet"),
        ({"door": ""}, "what is forwarded enters at no door"),
    ],
)
def test_fwd_01_sees_another_way_out(tmp_path: Path, changes: dict[str, Any], fault: str) -> None:
    """Each of these is how mail could get to somebody whom nobody named."""
    host, control = read(tmp_path, 'forward = ["bob@example.net"]'), OnlyNamedAddressesGetMail()
    assert control.inside(host, seen()).state == "holds"
    verdict = control.inside(host, seen(**changes))
    assert verdict.state == "broken" and fault in verdict.found


def test_fwd_01_sees_what_is_left_where_nobody_forwards(tmp_path: Path) -> None:
    """A rule that somebody put there is not excused by an inventory without forwarding."""
    host, control = read(tmp_path), OnlyNamedAddressesGetMail()
    nothing = {"rules": {}, "allowed": {}, "destinations": []}
    clean = Snapshot(seen("").raw | {"forwarding": GOOD | nothing})
    assert control.inside(host, clean).state == "not applicable"
    assert control.inside(host, seen()).state == "broken"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"senders": {"written": ""}}, "becomes nothing else"),
        ({"senders": {"back": ""}}, "goes to nobody"),
        ({"secrets": {"file": {"mode": 0o644, "uid": 0, "gid": 9}}}, "mode 644 of root:postsrsd"),
        ({"secrets": {"group": "users"}}, "of root:users"),
        ({"secrets": {"lines": 3}}, "there are 3 secrets"),
        ({"secrets": {"days": 60.0}}, "60 days old"),
        ({"main": "tcp:127.0.0.1:10001"}, "the senders of all mail are written anew"),
    ],
)
def test_fwd_02_sees_senders_and_secrets(tmp_path: Path, changes: dict[str, Any], fault: str) -> None:
    host, control = read(tmp_path, 'forward = ["bob@example.net"]'), SendersAreWrittenAnew()
    assert control.inside(host, seen()).state == "holds"
    verdict = control.inside(host, seen(**changes))
    assert verdict.state == "broken" and fault in verdict.found


def test_fwd_03_believes_neither_side_that_takes_a_forged_address(tmp_path: Path) -> None:
    """Put off is not refused: the sender would come again for days."""
    host, control = read(tmp_path, 'forward = ["bob@example.net"]'), ForgedReturnAddressesAreRefused()
    assert control.inside(host, seen()).state == "holds"
    assert control.inside(host, seen(senders={"forged": "probe@relay.invalid"})).state == "broken"
    for code, state in ((550, "holds"), (450, "broken"), (250, "broken")):
        probes = Probes({"addresses": {"192.0.2.1": {"forged srs": [[550, "no"], [code, "said"]]}}})
        assert control.outside(host, probes).state == state


def test_fwd_04_wants_a_seal_and_no_signature(tmp_path: Path) -> None:
    host, control = read(tmp_path, 'forward = ["bob@example.net"]'), ForwardedMailIsSealed()
    assert control.inside(host, seen()).state == "holds"
    for changed in ({"seal": "", "symbols": []}, {"seal": "d=example.com;", "symbols": ["ARC_SIGNED"]}):
        assert control.inside(host, seen(seals={"example.org": changed})).state == "broken"
    both = GOOD["seals"]["example.org"] | {"symbols": ["ARC_SIGNED", "DKIM_SIGNED"]}
    assert "signed as its own" in control.inside(host, seen(seals={"example.org": both})).found
    with pytest.raises(NotCollectedError, match="does not answer"):
        control.inside(host, seen(seals={"example.org": {"error": "does not answer"}}))
