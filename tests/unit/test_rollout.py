"""What the events of a wave come to, the record of a rollout, and what its gate takes for the change's doing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ironpost.compliance.run import Judged
from ironpost.controls import CONTROLS
from ironpost.controls.control import Verdict
from ironpost.errors import HostError
from ironpost.onhost.drain import ruleset
from ironpost.rollout.child import outcome
from ironpost.rollout.gate import gate_controls, is_new, seen_outside
from ironpost.rollout.record import RecordError, digest_of, new_record, read_record


def event(kind: str, name: str = "mx1", **facts: Any) -> dict[str, Any]:
    return {"event": kind, "mailhost": name} | facts


END = {"event": "end", "failed": [], "switched": [], "text": ""}


def test_a_wave_that_went_well_names_what_was_switched() -> None:
    """A host with nothing to change has no new generation, and nothing to go back from."""
    found = outcome([event("stepped", step="Stage"), END | {"switched": ["mx1"]}], ("mx1", "mx2"))
    assert (found.failed, found.switched) == ({}, ("mx1",))


def test_one_host_that_fails_stops_the_others_and_each_hears_why() -> None:
    """A generation that one host refuses is switched to on none."""
    events = [
        event("line", "mx1", level="error", text="postfix: refused"),
        event("failed", "mx1", step="Stage", text=""),
        END | {"failed": ["mx1"], "text": "Over 0% of hosts failed"},
    ]
    found = outcome(events, ("mx1", "mx2"))
    assert found.failed["mx1"].startswith("postfix: refused")
    assert "another host" in found.failed["mx2"] and found.switched == ()


def test_an_engine_that_died_is_not_taken_for_success() -> None:
    """Without its last word nothing is known."""
    with pytest.raises(HostError, match="last word"):
        outcome([event("step", step="Stage")], ("mx1",))


def judged(state: Any) -> Judged:
    return Judged("mx1", CONTROLS[0], Verdict(state, "seen"), None)


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ("holds", "broken", True),
        (None, "broken", True),
        ("unknown", "broken", True),
        ("broken", "broken", False),
        ("holds", "unknown", True),
        ("unknown", "unknown", False),
        (None, "unknown", False),
    ],
)
def test_the_gate_asks_what_the_change_broke(before: str | None, after: str, new: bool) -> None:
    """A rollout that mends one thing is not stopped by another that was broken before."""
    states = {} if before is None else {("mx1", CONTROLS[0].id): before}
    assert is_new(judged(after), states) is new


def test_the_gate_reads_a_letter_and_looks_from_outside() -> None:
    """A host that serves no mail any more must not pass."""
    ids = {control.id for control in gate_controls()}
    assert {"DKIM-01", "TLS-01", "SMTP-10", "RELAY-01", "AUTH-02", "FW-02"} <= ids


def test_a_record_is_gone_on_with_only_for_the_same_settings(tmp_path: Path) -> None:
    """A host that is green at other settings is changed again."""
    inventory = tmp_path / "prod.py"
    record = new_record(inventory, tmp_path / "state")
    digest = digest_of({"files": [], "meta": {"who": "anna"}})
    record.set("mx1", state="green", digest=digest)
    again = read_record(inventory, tmp_path / "state")
    assert again.is_green("mx1", digest_of({"files": [], "meta": {"who": "ben"}}))
    assert not again.is_green("mx1", digest_of({"files": ["x"], "meta": {}}))
    assert not again.is_green("mx2", digest)


def test_a_record_that_is_missing_or_newer_is_told(tmp_path: Path) -> None:
    """Guessing would skip hosts."""
    with pytest.raises(RecordError, match="no rollout of prod"):
        read_record(tmp_path / "prod.py", tmp_path)
    record = new_record(tmp_path / "prod.py", tmp_path)
    record.write()
    record.path.write_text(json.dumps(json.loads(record.path.read_text()) | {"schema": 99}))
    with pytest.raises(RecordError, match="schema 99"):
        read_record(tmp_path / "prod.py", tmp_path)


def test_a_drained_host_refuses_at_once_and_lets_those_in_who_test() -> None:
    """A sender that hears a refusal tries the other MX now, not after a timeout."""
    rules = ruleset(["198.51.100.0/24", "2001:db8::7"])
    assert "ip saddr { 198.51.100.0/24 } accept" in rules and "ip6 saddr { 2001:db8::7 } accept" in rules
    assert rules.index("accept\n    tcp") < rules.index("reject with tcp reset")
    assert "ip6 saddr" not in ruleset(["192.0.2.1"])


def test_only_a_strangers_connections_count_as_seen_from_outside() -> None:
    """Zone and letters are seen from the controller too, which is in the allowlist."""
    by_id = {control.id: control for control in CONTROLS}
    assert seen_outside(Judged("mx1", by_id["TLS-01"], None, Verdict("holds")))
    assert not seen_outside(Judged("mx1", by_id["DNS-01"], None, Verdict("holds")))
    assert not seen_outside(Judged("mx1", by_id["TLS-01"], Verdict("holds"), Verdict("unknown", "no vantage point")))
    assert {"TLS-01", "RELAY-01", "FW-02"} <= {control.id for control in gate_controls()}
