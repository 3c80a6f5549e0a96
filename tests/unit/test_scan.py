"""A scan of everything proves something only when the host saw it come."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from ironpost.compliance.judge import Evidence, sides
from ironpost.compliance.proof import Wanted
from ironpost.compliance.reasons import reasons
from ironpost.controls import CONTROLS
from ironpost.controls.control import Verdict
from ironpost.controls.firewall import whole_scan
from ironpost.errors import UnverifiableError
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.evidence.told import Told
from ironpost.inventory import read_inventory
from tests.inventories import mailhost, write_inventory

RULE = {
    "rule": {
        "family": "inet",
        "table": "ironpost",
        "chain": "input",
        "handle": 7,
        "expr": [
            {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 8025}},
            {"accept": None},
        ],
    }
}


def seen(dropped: int, asked: int = 65535, answered: tuple[int, ...] = ()) -> Probes:
    parts: dict[str, Any] = {
        "ports": {"open": [25, 8025], "refused": [], "asked": asked},
        "datagrams": {"answered": list(answered), "refused": [], "asked": [53, 161]},
    }
    return Probes({"addresses": {"192.0.2.1": parts}, "sources": ["198.51.100.1"], "dropped": dropped})


def test_a_scan_that_the_host_counted_shows_what_answers() -> None:
    """UDP, too: a datagram for each service that one might have forgotten."""
    assert whole_scan(seen(65535)) == []
    assert whole_scan(seen(65535, answered=(161,))) == ["192.0.2.1: UDP port 161 answers"]


@pytest.mark.parametrize(("dropped", "asked"), [(60_000, 65535), (65535, 1100)])
def test_a_scan_that_did_not_arrive_or_was_cut_short_proves_nothing(dropped: int, asked: int) -> None:
    """A provider's filter in between makes any host look closed."""
    with pytest.raises(NotCollectedError):
        whole_scan(seen(dropped, asked))


def test_a_finding_says_who_listens_and_whether_a_rule_lets_it_be_reached() -> None:
    """nftables, ss and the scan side by side: whoever reads it knows where to look."""
    listeners = 'tcp LISTEN 0 5 0.0.0.0:8025 0.0.0.0:* users:(("socat",pid=1,fd=3))\n'
    snapshot = Snapshot({"listeners": {"text": listeners}, "nftables": {"text": '{"nftables": []}'}})
    assert reasons(seen(0), snapshot)["8025"] == " (socat listens, no rule of ours names it)"
    opened = Snapshot({"listeners": {"text": ""}, "nftables": {"text": ""}})
    opened.__dict__["nftables"] = [RULE]
    opened.__dict__["listeners"] = ()
    assert reasons(seen(0), opened)["8025"] == " (nothing listens, a rule of ours names it)"
    assert reasons(seen(0), None) == {}


def judge(tmp_path: Path, control: str, allow: str, **parts: Any) -> Verdict:
    """What one control says of the outside, where a stranger sees only these parts."""
    host = read_inventory(write_inventory(tmp_path, mailhost(allow=f"Allow({allow})"))).mailhosts[0]
    probes = Probes({"addresses": {"127.0.0.1": parts}})
    evidence = Evidence(UnverifiableError("nobody looked inside"), probes, Told((), datetime.date(2026, 12, 1)))
    found = next(each for each in CONTROLS if each.id == control)
    return sides(host, found, evidence, Wanted())["outside"]


OFFICE = '["192.0.2.0/24"]'


def test_a_port_behind_an_allowlist_keeps_no_verdict_open(tmp_path: Path) -> None:
    """IMAP for one office is one line of an inventory, and must not make every verification end in doubt."""
    offers = {"offered": []}
    seen = {f"tokens/{port}": offers for port in (465, 995)}
    assert judge(tmp_path, "AUTH-16", "", **seen).state == "unknown"  # 993 was not looked at
    assert judge(tmp_path, "AUTH-16", f"imap={OFFICE}", **seen).state == "holds"
    wrong = {**seen, "tokens/465": {"offered": ["XOAUTH2"]}}
    assert judge(tmp_path, "AUTH-16", f"imap={OFFICE}", **wrong).state == "broken"


def test_where_no_stranger_can_look_nothing_is_said_to_hold(tmp_path: Path) -> None:
    """A control that saw nothing says so, and FW-02 says whether the ports are closed."""
    closed = f"imap={OFFICE}, pop3={OFFICE}, submission={OFFICE}"
    found = judge(tmp_path, "AUTH-16", closed)
    assert found.state == "not applicable"
    assert "port 465 and 993 and 995 is for those of an allowlist" in found.found
    ports = {"open": [25, 22, 443], "refused": [], "asked": 100}
    assert judge(tmp_path, "FW-02", closed, ports=ports | {"open": [25, 22, 993]}).state == "broken"
