"""What a change asks of a unit, from what systemd says of it."""

from __future__ import annotations

from ironpost.onhost.units import action, difference, leaving

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


def test_units_that_a_generation_no_longer_has_are_to_be_stopped() -> None:
    """Else a service goes on without its files, or starts at the next boot with whatever its package brings along."""
    earlier = [{"name": name, "state": "running"} for name in ("postfix.service", "postsrsd.service", "cron.service")]
    earlier.append({"name": "dovecot.socket", "state": "masked"})
    origin = [{"name": "cron.service", "active": True}, {"name": "postsrsd.service", "active": False}]
    assert leaving(earlier, [WANTED], origin) == ["postsrsd.service"]
    assert leaving([WANTED], [WANTED], origin) == []
