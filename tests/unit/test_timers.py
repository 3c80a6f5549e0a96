"""Timers for the controller: systemd starts exactly the command that was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpost.timers import command_line, write_timer


def test_a_timer_runs_the_ordinary_command(tmp_path: Path) -> None:
    """What happens at night is what anybody can run by hand."""
    service, timer = write_timer(tmp_path, "x", "About", ["tls", "roll", "in 100%.py"])
    text = service.read_text()
    assert 'ironpost tls roll "in 100%%.py"\n' in text and "Type=oneshot" in text
    assert "OnCalendar=daily" in timer.read_text() and "Persistent=yes" in timer.read_text()


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("/srv/mail/prod.py", "/srv/mail/prod.py"),
        ("", '""'),
        ("a b", '"a b"'),
        ("100%", '"100%%"'),
        ("$HOME", '"$$HOME"'),
        ("${X}", '"$${X}"'),
        ("it's", '"it\'s"'),
        ('say "yes"', '"say \\"yes\\""'),
        ("a\\tb", '"a\\\\tb"'),
        (";", '";"'),
        ("a\nb", '"a\\nb"'),
    ],
)
def test_what_systemd_would_read_otherwise_is_escaped(word: str, written: str) -> None:
    """By systemd.service(5), "Command lines": specifiers, variables, quotes and the semicolon between commands."""
    assert command_line("/bin/x", word) == f"/bin/x {written}"


def test_a_dollar_in_the_programs_own_name_stands_as_it_is() -> None:
    """No variable is looked for there, so that a second one would be part of the name."""
    assert command_line("/srv/$a b%/x", "$c") == '"/srv/$a b%%/x" "$$c"'


def test_a_folder_with_a_percent_sign_is_no_specifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """%h would be somebody's home."""
    folder = tmp_path / "50%h"
    folder.mkdir()
    monkeypatch.chdir(folder)
    service, _ = write_timer(tmp_path, "x", "All 100%", ["check"])
    assert f"WorkingDirectory={tmp_path}/50%%h\n" in service.read_text()
    assert "Description=All 100%%\n" in service.read_text()
