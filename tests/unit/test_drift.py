"""Drift: what the controller looks for by itself."""

from __future__ import annotations

from pathlib import Path

from ironpost.cli.plan import scheduled


def test_drift_is_looked_for_by_a_timer_of_the_controller(tmp_path: Path) -> None:
    """Nobody runs a plan by hand every day; its exit status makes the service fail, and the journal has the plan."""
    told = scheduled(tmp_path, Path("inventories/prod.py"), ("mx1.example.org",))
    service = (tmp_path / "ironpost-drift.service").read_text()
    assert "ironpost plan" in service and "prod.py --limit mx1.example.org --exit-code" in service
    assert "OnCalendar=daily" in (tmp_path / "ironpost-drift.timer").read_text()
    assert "systemctl enable --now ironpost-drift.timer" in told[-1]
