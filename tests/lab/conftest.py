"""The test network for tests."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ironpost.lab import Lab, down, tools, up
from tests.conftest import RELEASE, RELEASES
from tests.lab.deployment import deployed, published

__all__ = ["deployed", "lab", "mailhost", "published"]
HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The lab "test", or the one that IRONPOST_TEST_LAB names: never the demo's.

    It goes down at the end unless IRONPOST_TEST_KEEP is set. A second run of the tests waits for the first one. Of the
    processes of one run (pytest -n), each that gets lab tests has a lab of its own, named with its number.
    """
    name = os.environ.get("IRONPOST_TEST_LAB") or "test"
    name += os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
    os.environ["IRONPOST_LAB"] = name
    with (Path(tempfile.gettempdir()) / f"ironpost-{name}-lab.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield up(name)
        if not os.environ.get("IRONPOST_TEST_KEEP"):
            down(name)


@pytest.fixture(params=sorted(RELEASES), scope="session")
def mailhost(request: pytest.FixtureRequest) -> str:
    """Each mail host in turn; a test that asks for it counts for that host's release."""
    name: str = request.param
    return name


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without root or namespaces there is no lab to test in: said once, at the end."""
    ours = [item for item in items if item.path.is_relative_to(HERE)]
    if ours and tools.impossible():
        config.hook.pytest_deselected(items=ours)
        items[:] = [item for item in items if item not in ours]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    report = yield
    if item.path.is_relative_to(HERE):
        report.user_properties.append((RELEASE, _release(item)))
    return report


def _release(item: pytest.Item) -> str:
    """Of the mail host that the test names among its parameters."""
    parameters = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    named = (parameters.get(name) for name in ("mailhost", "host"))
    return next((RELEASES[name] for name in named if isinstance(name, str) and name in RELEASES), "either")
