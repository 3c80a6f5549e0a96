"""RELAY-12 on evidence made by hand: hosts that count together hear each other."""

from __future__ import annotations

import pytest

from ironpost.controls.backends import BackendsStayInside
from ironpost.controls.control import Verdict
from ironpost.controls.firewall import doors, fleet_doors
from ironpost.controls.limits import HostsCountTogether, told_of_limits
from ironpost.evidence import NotCollectedError
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost
from ironpost.rollout.gate import gate_controls
from tests.golden.trees import DIVIDED

IN, OUT, BOX, WHOLE = DIVIDED
LIMITS = "action=hour=500 day=2000 first=200 watched=17"


def judged(told: str, host: MailHost = OUT) -> Verdict:
    return HostsCountTogether().inside(host, Snapshot({"doors": {"sending": {"text": told}}}))


@pytest.mark.parametrize(
    ("peers", "state", "found"),
    [
        (" peers whole.example.info=3", "holds", "heard: whole.example.info"),
        (" peers whole.example.info=60", "holds", "heard: whole.example.info"),
        (" peers whole.example.info=61", "broken", "whole.example.info was last heard 61 s ago"),
        (" peers whole.example.info=never", "broken", "whole.example.info was never heard"),
        (" peers other.example.info=1", "broken", "whole.example.info was never heard"),
        ("", "broken", "whole.example.info was never heard"),
    ],
)
def test_a_host_that_is_not_heard_for_a_minute_is_a_finding(peers: str, state: str, found: str) -> None:
    """Mail goes on meanwhile, and the limits are those of one host."""
    verdict = judged(LIMITS + peers)
    assert (verdict.state, verdict.found) == (state, found)
    assert told_of_limits(Snapshot({"doors": {"sending": {"text": LIMITS + peers}}}))[0]["watched"] == "17"


def test_a_host_that_nobody_shares_accounts_with_is_not_asked() -> None:
    """And one whose service does not answer is not taken for one that hears."""
    alone = OUT.model_copy(update={"inner": None})
    assert judged(LIMITS, alone).state == judged(LIMITS, BOX).state == "not applicable"
    with pytest.raises(NotCollectedError):
        HostsCountTogether().inside(OUT, Snapshot({"doors": {"sending": {"error": "no such socket"}}}))


def test_the_door_between_hosts_that_count_together_is_expected_and_closed_to_strangers() -> None:
    """A listener more on a host that has nothing to tell stays a finding."""
    assert doors(OUT)[4528] == doors(WHOLE)[4528] == {"python3"}
    assert 4528 not in doors(IN).keys() | doors(BOX).keys() | fleet_doors(OUT)


@pytest.mark.parametrize(
    ("host", "who", "state"),
    [
        (OUT, 'users:(("python3",pid=1,fd=2))', "holds"),
        (BOX, 'users:(("python3",pid=1,fd=2))', "broken"),
        (OUT, 'users:(("nc",pid=1,fd=2))', "broken"),
        (OUT, "", "broken"),
        (BOX, "", "broken"),
    ],
)
def test_at_the_door_of_counting_nothing_else_may_listen(host: MailHost, who: str, state: str) -> None:
    """Not on a host that has nobody to count with, and no program that cannot be named."""
    text = f"tcp LISTEN 0 100 0.0.0.0:4528 0.0.0.0:* {who}\n"
    assert BackendsStayInside().inside(host, Snapshot({"listeners": {"text": text}})).state == state


def test_a_host_that_is_away_stops_no_rollout() -> None:
    """The hosts of a later wave do not know this one yet, and one that is changed is away for a moment."""
    assert "RELAY-12" not in {control.id for control in gate_controls()}
