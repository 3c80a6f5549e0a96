"""The pages that are written from the code are those that the code would write."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("generate", TOP / "docs" / "generate.py")
assert SPEC and SPEC.loader
GENERATE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(GENERATE)


@pytest.mark.parametrize("name", sorted(GENERATE.PAGES))
def test_a_generated_page_is_up_to_date(name: str) -> None:
    """`make docs` writes it; a page that lags behind misleads."""
    assert (TOP / "docs" / name).read_text() == GENERATE.PAGES[name]()


def test_the_readme_is_short_and_names_files_that_exist() -> None:
    """It is read by people who have three minutes."""
    text = (TOP / "README.md").read_text()
    assert len(text.splitlines()) < 100
    for target in re.findall(r"\]\((?!http)([^)]+)\)", text):
        assert (TOP / target).exists(), target
