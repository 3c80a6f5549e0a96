"""What the lab keeps of its images and repositories between two runs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ironpost.lab import image


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three trees: one that is asked for now, one that another checkout asked for this morning, one long forgotten."""
    monkeypatch.setattr(image, "cache_directory", lambda: tmp_path)
    for name, hours in (("tree-a", 48), ("tree-b", 5), ("tree-c", 48)):
        (tmp_path / name).mkdir()
        used = time.time() - hours * 3600
        os.utime(tmp_path / name, (used, used))
    return tmp_path


def test_the_cache_keeps_what_was_used_within_a_day_and_drops_what_was_not(cache: Path) -> None:
    image.drop_stale({cache / "tree-a"})
    assert sorted(path.name for path in cache.glob("tree-*")) == ["tree-a", "tree-b"]


def test_what_is_asked_for_counts_as_used_from_then_on(cache: Path) -> None:
    image.drop_stale({cache / "tree-c"})
    image.drop_stale({cache / "tree-b"})
    assert (cache / "tree-c").exists()
