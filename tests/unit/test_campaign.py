"""The campaign of sabotages judges honestly: what escapes, cries or stays broken is in its table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.sabotage import Sabotage, campaign
from tests.lab.sabotage.campaign import Campaign, left_broken, table
from tests.soak import of_part

CONTROLS = ("TLS-01", "TLS-02", "FW-01", "SMTP-01")


class Host:
    release = "trixie"


class Bench:
    """Stands for the lab: which controls each host fails, as the sabotages leave it."""

    def __init__(self) -> None:
        self.broken: dict[str, set[str]] = {"mx1": set(), "mx2": set()}
        self.looks = 0

    def host(self, name: str) -> Host:
        return Host()

    def rows(self) -> dict[tuple[str, str], dict[str, Any]]:
        self.looks += 1
        return {
            (host, control): {
                "state": "broken" if control in failing else "holds",
                "outcome": "broken" if control in failing else "holds",
                "sides": {"inside": dict.fromkeys(("state", "found", "remedy"), "broken")},
            }
            for host, failing in self.broken.items()
            for control in CONTROLS
        }


def sabotage(control: str, **more: Any) -> Sabotage:
    return Sabotage(control, "is broken", "true", sides=("inside",), **more)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Sabotage X makes X fail; one named `nothing` does nothing; one named `for ever` stays."""
    made = Bench()

    def break_and_look(lab: Bench, broken: Any) -> Any:
        for host, each in broken:
            lab.broken[host] |= set() if each.sentence == "nothing" else {each.control}
            lab.broken[host] |= {"SMTP-01"} if each.sentence == "too much" else set()
        rows = lab.rows()
        for host, each in broken:
            lab.broken[host] -= set() if each.sentence == "for ever" else {each.control, "SMTP-01"}
        return rows

    monkeypatch.setattr(campaign, "break_and_look", break_and_look)
    monkeypatch.setattr(campaign, "verdicts", lambda lab, broken: lab.rows())
    yield made


def run(bench: Bench, folder: Path, *sabotages: Sabotage) -> tuple[bool, str]:
    every = {each.key: each for each in sabotages}
    found = Campaign(bench, folder / "kept.json", "1", lambda line: None)  # type: ignore[arg-type]
    good = found.run(every)
    return good, table(every, found.outcomes)


def test_what_is_caught_and_repaired_is_good(bench: Bench, tmp_path: Path) -> None:
    """And one verification serves two rounds."""
    good, text = run(bench, tmp_path, *(sabotage(name) for name in CONTROLS))
    assert good and "4 of 4 sabotages: 4 caught by the control named, 4 repaired, 4 without a false alarm" in text
    assert bench.looks == 3  # two rounds of two, and the last look


def test_what_escapes_is_told(bench: Bench, tmp_path: Path) -> None:
    """Else the whole table would prove nothing."""
    escape = Sabotage("TLS-01", "nothing", "true", sides=("inside",))
    good, text = run(bench, tmp_path, escape, sabotage("TLS-02"))
    assert not good and "escaped: TLS-01: nothing: not found" in text and "1 caught" in text


def test_what_cries_besides_is_told(bench: Bench, tmp_path: Path) -> None:
    """A verifier that cries at everything catches everything."""
    loud = Sabotage("TLS-01", "too much", "true", sides=("inside",))
    good, text = run(bench, tmp_path, loud)
    assert not good and "tripped: mx1 SMTP-01" in text and "1 caught" in text and "0 without a false alarm" in text


def test_what_stays_broken_is_told_and_blames_nobody_else(bench: Bench, tmp_path: Path) -> None:
    """The next round sees it, and knows whose it is."""
    lasting = Sabotage("TLS-01", "for ever", "true", sides=("inside",), alone=True)
    good, text = run(bench, tmp_path, lasting, sabotage("FW-01"), sabotage("TLS-02"))
    assert not good and "unrepaired: mx1 TLS-01" in text and "2 repaired, 3 without a false alarm" in text


def test_a_campaign_goes_on_where_it_was_stopped(bench: Bench, tmp_path: Path) -> None:
    """Half an hour is long, and machines are taken away."""
    run(bench, tmp_path, sabotage("TLS-01"), sabotage("TLS-02"))
    before = bench.looks
    good, _ = run(bench, tmp_path, *(sabotage(name) for name in CONTROLS))
    assert good and bench.looks - before == 2
    run(bench, tmp_path, Sabotage("TLS-01", "nothing", "true", sides=("inside",)))
    before = bench.looks
    run(bench, tmp_path, Sabotage("TLS-01", "nothing", "true", sides=("inside",)))
    assert bench.looks > before  # what was not good is tried again
    other = Campaign(bench, tmp_path / "kept.json", "2", lambda line: None)  # type: ignore[arg-type]
    assert other.outcomes == {}


def test_three_parts_are_all_of_it_and_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has an hour takes a third, and another one the next day."""
    keys, found = [f"key {number}" for number in range(20)], []
    for number in (1, 2, 3):
        monkeypatch.setenv("IRONPOST_SOAK_PART", f"{number}/3")
        found += sorted(of_part(keys))
    assert sorted(found) == sorted(keys)
    monkeypatch.setenv("IRONPOST_SOAK_PART", "")
    assert of_part(keys) == set(keys)


@pytest.mark.parametrize("said", ["4/3", "0/3", "1", "one/three", "1/3/3"])
def test_a_part_that_there_is_not_is_told(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would run nothing, and find nothing wrong."""
    monkeypatch.setenv("IRONPOST_SOAK_PART", said)
    with pytest.raises(ValueError, match=f"IRONPOST_SOAK_PART={said}: is no part"):
        of_part(["a", "b"])


def test_what_was_broken_when_a_campaign_was_stopped_is_known_to_the_next_one(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not everything is the deploy's to repair: a wildcard in the zone would stay for ever."""

    def stopped(lab: Bench, broken: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign, "break_and_look", stopped)
    broken = sabotage("TLS-01")
    with pytest.raises(KeyboardInterrupt):
        run(bench, tmp_path, broken)
    assert left_broken(tmp_path / "kept.json", {broken.key: broken}) == (("mx1", broken),)
    assert left_broken(tmp_path / "none.json", {broken.key: broken}) == ()
