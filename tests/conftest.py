"""How tests are dealt out when they run side by side (pytest -n), and what the run says of its lab at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ironpost.lab import tools
from ironpost.lab.plan import plan_lab
from tests.soak import of_part

# These share a lab, all other files of tests/lab another one: about the same time for both halves.
SECOND_LAB = frozenset(("test_deploy", "test_kill", "test_secrets", "test_tls", "test_verify"))
# The property of a report that names the release of the mail host which its test names.
RELEASE = "lab release"
RELEASES = {host.name: host.release for host in plan_lab("test", 1).of_role("mail")}


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
    soaking = [item for item in items if item.get_closest_marker("soak")]
    chosen = of_part(item.path.stem for item in soaking)
    if others := [item for item in soaking if item.path.stem not in chosen]:
        items[:] = [item for item in items if item not in set(others)]
        config.hook.pytest_deselected(items=others)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line that a script can read: how much was shown on which release.

    Here, since the process that deals tests out loads no conftest.py of the folders below.
    """
    if reasons := tools.impossible():
        terminalreporter.write_line(f"lab: not run here: {'; '.join(reasons)}")
        return
    passed = [dict(report.user_properties).get(RELEASE) for report in terminalreporter.stats.get("passed", [])]
    skipped = [dict(report.user_properties).get(RELEASE) for report in terminalreporter.stats.get("skipped", [])]
    counts = ", ".join(f"{release} {passed.count(release)} passed" for release in sorted(set(RELEASES.values())))
    terminalreporter.write_line(f"lab: {counts}, skipped {len([release for release in skipped if release])}")
