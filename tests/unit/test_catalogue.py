"""The catalogue that controls were chosen from: nothing of it is forgotten."""

from __future__ import annotations

import re

from ironpost.controls import CONTROLS
from tests.lab.deployment import TOP

# Family → its claims are numbered from 1 to this.
FAMILIES = {
    "TLS": 18, "CRT": 9, "TLC": 10, "SMTP": 15, "AUTH": 14, "RELAY": 11, "DKIM": 11, "SPF": 7, "DMARC": 11, "STS": 5,
    "TRPT": 3, "DANE": 7, "DSEC": 5, "DNS": 14, "FW": 9, "ALLOW": 7, "OS": 12, "SBX": 6, "SEC": 8, "LOG": 11, "IMAP": 7,
    "QUEUE": 6, "BAK": 4, "UPD": 5, "EVD": 5,
}  # fmt: skip
CATALOGUE = {f"{family}-{number:02}" for family, most in FAMILIES.items() for number in range(1, most + 1)}
PAGE = TOP / "docs" / "decisions" / "0015-controls-left-out.md"
LINE = re.compile(r"^- \*\*([A-Z]+-\d\d)\*\*: (\S.{20,})", re.M)


def test_each_claim_of_the_catalogue_is_a_control_or_has_its_reason() -> None:
    """A control that was built leaves the page; a claim that is neither was forgotten."""
    assert len(CATALOGUE) == 220
    built, told = {control.id for control in CONTROLS}, [name for name, _ in LINE.findall(PAGE.read_text())]
    assert len(set(told)) == len(told)
    assert CATALOGUE - built - set(told) == set()
    assert built & set(told) == set(), "these are built now: take their lines from the page"
    assert set(told) <= CATALOGUE


def test_a_clause_is_shown_only_of_a_text_that_was_read() -> None:
    """A number from memory looks like a check of that text, and is none."""
    unread = {mapping.text for control in CONTROLS for mapping in control.mappings if mapping.source != "read"}
    assert unread == {"NIST SP 800-177r1", "BSI TR-03108", "CIS Debian"}
    for control in CONTROLS:
        for cited in control.reference.split(";"):
            assert not ("§" in cited and any(text in cited for text in unread)), (control.id, cited)
