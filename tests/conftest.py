"""How tests are dealt out when they run side by side (pytest -n)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

# These share a lab, all other files of tests/lab another one: about the same time for both halves.
SECOND_LAB = frozenset(("test_deploy", "test_kill", "test_secrets", "test_tls", "test_verify"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """What shares a lab stays in one process and in order; elsewhere a file is what stays together."""
    from xdist.scheduler import LoadScopeScheduling

    class ByLab(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            path = Path(nodeid.partition("::")[0])
            if path.parent.name != "lab":
                return str(path)
            return "second lab" if path.stem in SECOND_LAB else "first lab"

    config.option.loadscopereorder = False
    return ByLab(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Side by side, both labs begin at once: they take longest."""
    if config.getoption("numprocesses", None) or hasattr(config, "workerinput"):
        items.sort(key=lambda item: item.path.parent.name != "lab")
