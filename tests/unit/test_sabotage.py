"""The table of sabotages: complete before anything is broken."""

from __future__ import annotations

import itertools

from ironpost.compliance.proof import Wanted
from ironpost.controls import CONTROLS
from tests.lab.sabotage.rounds import HOSTS, hides, rounds
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


def test_the_campaign_breaks_each_once_and_half_on_each_release() -> None:
    """And no round hides the outcome of the one before, but for those after a control that is asked by name."""
    planned = rounds(every().values())
    carried_out = [(host, sabotage.key) for broken in planned for host, sabotage in broken]
    assert sorted(key for _, key in carried_out) == sorted(every())
    on_each = [len([host for host, _ in carried_out if host == name]) for name in HOSTS]
    assert max(on_each) - min(on_each) <= len(every()) // 10
    hidden = [now for before, now in itertools.pairwise(planned) if hides(now, before)]
    by_name = [
        sabotage for broken in planned for _, sabotage in broken if not Wanted().includes(BY_ID[sabotage.control])
    ]
    assert len(hidden) <= len(by_name) + 2


def test_a_sabotage_that_disturbs_the_other_host_is_alone() -> None:
    """What it does there would be taken for a false alarm, or would hide one."""
    for broken in rounds(every().values()):
        if any(each.alone or each.shared or each.only for _, each in broken):
            assert len(broken) == 1
