"""A verifier that cries for nothing is soon not listened to."""

from __future__ import annotations

import pytest

from ironpost.lab import Lab
from tests.lab.sabotage.rounds import HOSTS, standing, verdicts

RUNS = 20


@pytest.mark.soak
def test_twenty_verifications_of_sound_hosts_find_nothing(published: Lab) -> None:
    """Of both releases, in every run; what is unknown counts as a false alarm too."""
    cried = []
    for number in range(RUNS):
        rows = verdicts(published)
        assert {host for host, _ in rows} == set(HOSTS) and len(rows) > 300
        cried += [f"run {number + 1}: {text}" for text in standing(rows)]
    assert cried == []
