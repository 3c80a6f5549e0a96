"""A scan of everything proves something only when the host saw it come."""

from __future__ import annotations

from typing import Any

import pytest

from ironpost.compliance.reasons import reasons
from ironpost.controls.firewall import whole_scan
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot

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
