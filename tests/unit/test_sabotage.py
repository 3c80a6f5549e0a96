"""The table of sabotages: complete before anything is broken."""

from __future__ import annotations

from ironpost.controls import CONTROLS
from tests.lab.sabotage.table import SHOWN_ELSEWHERE, every

BY_ID = {control.id: control for control in CONTROLS}


def test_every_control_has_a_sabotage_or_a_reason() -> None:
    """A check that nobody has seen fail proves nothing."""
    broken = {sabotage.control for sabotage in every().values()}
    assert broken | SHOWN_ELSEWHERE.keys() == BY_ID.keys()
    assert not broken & SHOWN_ELSEWHERE.keys()


def test_every_sabotage_names_sides_and_controls_that_exist() -> None:
    """What is expected stands there before the run, so it must be possible."""
    for sabotage in every().values():
        assert sabotage.sides and set(sabotage.sides) <= set(BY_ID[sabotage.control].sides), sabotage.key
        assert sabotage.trips <= BY_ID.keys(), sabotage.key
        assert sabotage.repair, sabotage.key
