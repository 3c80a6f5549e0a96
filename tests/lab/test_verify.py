"""The verifier against live hosts: clean when they are clean, and red for the right reason when they were broken."""

from __future__ import annotations

from typing import Any

import pytest

from ironpost.compliance.proof import Wanted
from ironpost.controls import CONTROLS
from ironpost.lab import Lab
from tests.lab.deployment import TOP, run_command, succeed
from tests.lab.sabotage.rounds import (
    HOSTS,
    VERIFY,
    Round,
    break_and_look,
    escaped,
    named,
    rounds,
    standing,
    tripped,
    verdicts,
)
from tests.lab.sabotage.table import first_of

BASELINE = [control for control in CONTROLS if Wanted().includes(control)]
# A sample with something of each family, half of it on each release; `make sabotage` runs all.
SAMPLE = ("TLS-02", "AUTH-09", "SMTP-01", "RELAY-03", "DKIM-01", "DMARC-06", "FW-01", "FW-02", "SPF-04", "AUTH-04")


@pytest.fixture(scope="module")
def clean(published: Lab) -> Lab:
    """Both hosts, every control holding: a red one below is the sabotage's work."""
    rows = verdicts(published)
    assert len(rows) == len(HOSTS) * len(BASELINE) and not standing(rows)
    return published


def test_the_verifier_says_what_holds(clean: Lab) -> None:
    """Exit 0, a line for each control, and a sentence of totals."""
    text = succeed(clean, *VERIFY)
    aside = text.count("  – ")  # what this release or this network cannot show
    assert text.count("  ✓ ") + aside == len(HOSTS) * len(BASELINE)
    assert f"2 mail hosts, {len(BASELINE)} controls: {len(HOSTS) * len(BASELINE) - aside} hold" in text


def test_without_a_vantage_point_there_is_no_verdict(clean: Lab, tmp_path: Any) -> None:
    """A probe from a trusted place would prove too much: unknown, exit 4, never a pass."""
    source = (clean_inventory()).replace('VantagePoint(ssh=_ssh("stranger"))', "VantagePoint(local=True)")
    inventory = tmp_path / "from_here.py"
    inventory.write_text(source)
    done = run_command(clean, "ironpost", "verify", str(inventory), "--control", "TLS-02")
    assert done.returncode == 4
    assert "is on allowlist ssh" in done.stdout


def clean_inventory() -> str:
    return (TOP / "inventories" / "lab.py").read_text()


SAMPLED = [first_of(control) for control in SAMPLE]


@pytest.mark.parametrize("broken", rounds(SAMPLED), ids=named)
def test_a_sabotage_is_named_and_repaired(clean: Lab, broken: Round) -> None:
    """Found by its own control on its own evidence, by no other, and put right by the deploy."""
    sabotage_round(clean, broken)


def sabotage_round(lab: Lab, broken: Round) -> None:
    rows = break_and_look(lab, broken)
    for host, sabotage in broken:
        assert not escaped(rows, host, sabotage)
    assert not tripped(rows, broken), "tripped besides: " + "\n".join(tripped(rows, broken))
    assert not standing(verdicts(lab)), "not repaired"
