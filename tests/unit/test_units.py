"""What a change asks of a unit, from what systemd says of it."""

from __future__ import annotations

from ironpost.onhost.units import action, difference

WANTED = {"name": "postfix.service", "state": "running", "reload_on": ["/etc/postfix/"], "restart_on": []}
SKIPPED = {
    "ActiveState": "inactive",
    "UnitFileState": "enabled",
    "LoadState": "loaded",
    "ConditionResult": "no",
    "ConditionTimestampMonotonic": "77",
}


def test_a_unit_whose_condition_said_no_before_our_files_came_is_started() -> None:
    """A host that died in its first change boots without main.cf, and Postfix's own unit then declines."""
    assert action(WANTED, SKIPPED, ["/etc/postfix/main.cf"]) == "start"


def test_a_unit_that_cannot_run_here_is_no_difference() -> None:
    """In a container there is no audit log; that is no reason to change the host in every run."""
    assert difference(WANTED, SKIPPED) is None
    assert difference(WANTED, SKIPPED | {"ConditionResult": "yes"}) == "not running (inactive)"
