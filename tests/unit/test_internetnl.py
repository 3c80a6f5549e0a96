"""The scores of internet.nl's mail test, by its own arithmetic."""

from __future__ import annotations

import dataclasses
from typing import Any

from ironpost.compliance.internetnl import CATEGORIES, lines, scores, stands_for
from ironpost.compliance.proof import Judged
from ironpost.controls import CONTROLS
from ironpost.controls.control import Verdict

STANDING = [control for control in CONTROLS if stands_for(control)]


def judged(**states: Any) -> list[Judged]:
    """Every control that stands for a subtest; those named (`TLS_02="broken"`) in another state than held."""
    return [
        Judged("mx1", control, Verdict(states.get(control.id.replace("-", "_"), "holds")), None) for control in STANDING
    ]


def percent(rows: list[Judged]) -> dict[str, int]:
    return {each.category: each.percent for each in scores(rows)}


def test_every_scored_subtest_has_a_control() -> None:
    """What nothing looks at cannot be promised."""
    answered = {subtest for control in STANDING for subtest in stands_for(control)}
    assert {name for subtests in CATEGORIES.values() for name in subtests} <= answered


def test_a_host_that_holds_all_has_full_points() -> None:
    """Four categories; the fifth is the provider's."""
    assert percent(judged()) == {"IPv6": 100, "DNSSEC": 100, "Authentication": 100, "TLS": 100}
    assert "provider only" in list(lines(judged()))[-1]


def test_a_fault_costs_what_it_costs_there() -> None:
    """SHA-1 alone is one of fourteen subtests, and the whole part of 92.86 is 92; without DANE it is two of them."""
    assert percent(judged(TLS_07="broken"))["TLS"] == 92
    assert percent(judged(DANE_01="broken", DANE_02="broken"))["TLS"] == 85
    assert percent(judged(DNS_01="broken"))["IPv6"] == 50
    assert percent(judged(DMARC_01="broken"))["Authentication"] == 60


def test_what_was_not_seen_or_was_waived_has_no_points() -> None:
    """internet.nl knows no waivers."""
    rows = judged(TLS_02="unknown")
    assert percent(rows)["TLS"] == 92
    waived = [dataclasses.replace(each, waiver=object()) for each in judged(TLS_02="broken")]  # type: ignore[arg-type]
    assert percent(waived)["TLS"] == 92
    assert percent(judged(TLS_06="not applicable"))["TLS"] == 100


def test_a_subtest_that_nothing_answers_is_told_and_has_no_points() -> None:
    """An empty answer is no pass."""
    rows = [each for each in judged() if each.control.id != "TLS-01"]
    assert percent(rows)["TLS"] == 92
    assert any("not looked at: starttls_exists" in line for line in lines(rows))
