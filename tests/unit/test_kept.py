"""Kept evidence: exactly what was collected, and nothing else that somebody put there later."""

from __future__ import annotations

import dataclasses
import datetime
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from ironpost.compliance.collect import nothing_seen, told
from ironpost.compliance.judge import Evidence
from ironpost.compliance.kept import digest, read_evidence, write_evidence
from ironpost.compliance.proof import Wanted
from ironpost.compliance.run import now, proof_of
from ironpost.controls import CONTROLS
from ironpost.controls import control as control_module
from ironpost.errors import UnverifiableError
from ironpost.evidence.codec import decoded, encoded, kinds
from ironpost.evidence.letters import Letter, Letters, Reply, SenderAttempt, Signature
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.evidence.zone import Answer, Zone
from ironpost.fleet import Fleet
from ironpost.inventory import read_inventory
from tests.inventories import mailhost, write_inventory

TOOL = {"name": "ironpost", "version": "0.1.0"}
SIGNATURE = Signature("rsa-sha256", "example.org", "r1", True, ("from", "to"), "relaxed/relaxed", False, ())
LETTER = Letter("a@example.org", "INBOX", "b@example.net", (SIGNATURE,), ("mx1; spf=pass",), (("From", "b"),), "5e")
PROBES = Probes(
    {"addresses": {"127.0.0.1": {"ports": {"open": [25], "refused": []}, "is": "a key of the codec's own"}}},
    Zone({("example.org", "MX"): (Answer("192.0.2.53", ("10 mx1.example.org",), None, 80),)}),
    Letters(
        {"written": LETTER, "spoof": Reply(550, "no"), "senders": (SenderAttempt("a", "b", True, Reply(250, "")),)},
        {"bounce": "no second host"},
    ),
)


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return read_inventory(write_inventory(tmp_path, mailhost()))


def seen(fleet: Fleet, snapshot: Any = Snapshot({"schema": 1}), probes: Any = PROBES) -> Any:  # noqa: B008
    host = fleet.mailhosts[0]
    evidence = Evidence(snapshot, probes, told(fleet, host, datetime.date(2026, 11, 24)), False)
    return ((host, evidence),)


def test_evidence_comes_back_as_it_was() -> None:
    """Tuples stay tuples and keys stay keys: controls compare them."""
    assert decoded(json.loads(json.dumps(encoded(PROBES)))) == PROBES
    rest = {"time": datetime.datetime.now(datetime.UTC), "raw": b"\0", "set": frozenset({"a"})}
    assert decoded(json.loads(json.dumps(encoded(rest)))) == rest
    with pytest.raises(TypeError, match="cannot be kept"):
        encoded({"file": object()})


def test_every_kind_of_evidence_can_be_kept() -> None:
    """A new kind must not be forgotten: it would be missing when a verdict is doubted."""
    assert {"Snapshot", "Probes", "Zone", "Letters", "Answer", "Letter"} <= kinds().keys()
    for kind in kinds().values():
        assert dataclasses.is_dataclass(kind)


def test_the_same_evidence_gives_the_same_verdicts(fleet: Fleet, tmp_path: Path) -> None:
    """Also where it is missing, and with its reason."""
    host = fleet.mailhosts[0]
    why = UnverifiableError("mx1.example.org: no route")
    for found in (seen(fleet), seen(fleet, why, nothing_seen(host, str(why)))):
        path = tmp_path / "evidence.json"
        write_evidence(path, TOOL, now(), Wanted("strict", deep=True), found)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        started, wanted, again = read_evidence(path, fleet, fleet.mailhosts)
        assert wanted == Wanted("strict", deep=True)
        first = proof_of(found, CONTROLS, wanted, started)
        assert proof_of(again, CONTROLS, wanted, started) == first
        assert {each.outcome for each in first.judged} != {"holds"}


def spoilt(text: str) -> str:
    whole = json.loads(text)
    whole["mailhosts"]["mx1.example.org"]["probes"]["raw"]["addresses"] = {}
    return json.dumps(whole)


def of_nobody(text: str) -> str:
    whole = json.loads(text)
    del whole["digest"]
    whole["mailhosts"]["mx1.example.org"] = {"day": "2026-11-24"}
    return json.dumps(whole | {"digest": digest(whole)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (spoilt, "was changed after it was written"),
        (lambda text: text[:500], "cannot be read"),
        (lambda text: "[1]", "is no evidence"),
        (lambda text: text.replace('"schema": 1', '"schema": 7', 1), "has schema 7, this is 1"),
        (of_nobody, "holds no evidence that this version reads"),
    ],
)
def test_evidence_that_was_changed_or_cut_short_gives_no_verdict(
    fleet: Fleet, tmp_path: Path, change: Any, said: str
) -> None:
    """A file that somebody mended is worse than none."""
    path = tmp_path / "evidence.json"
    write_evidence(path, TOOL, now(), Wanted(), seen(fleet))
    path.write_text(change(path.read_text()))
    with pytest.raises(UnverifiableError, match=said):
        read_evidence(path, fleet, fleet.mailhosts)


def test_a_host_that_is_not_in_the_evidence_is_unknown(fleet: Fleet, tmp_path: Path) -> None:
    """The inventory has grown since then."""
    path = tmp_path / "evidence.json"
    write_evidence(path, TOOL, now(), Wanted(), ())
    started, wanted, again = read_evidence(path, fleet, fleet.mailhosts)
    proof = proof_of(again, CONTROLS, wanted, started)
    outcomes = {each.outcome for each in proof.judged if each.control.inventory is None}
    assert "holds" not in outcomes and "broken" not in outcomes


def test_controls_do_not_ask_the_clock() -> None:
    """A verdict that depends on the day of the question cannot be followed again; the evidence has its day."""
    folder = Path(control_module.__file__).parent
    for path in folder.glob("*.py"):
        for word in ("now(", "today(", "time.time(", "monotonic("):
            assert word not in path.read_text(), f"{path.name} asks the clock: {word}"
