"""Programs that are sent as text: whole, and in an order in which they can be made."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ironpost.compliance import bundle as module
from ironpost.compliance.bundle import BOOTSTRAP, FOLDER, bundle, in_order

PACKAGES = (("prober", "job"), ("snap", "whole"))


@pytest.mark.parametrize(("package", "main"), PACKAGES)
def test_every_module_is_sent_after_those_that_it_imports(package: str, main: str) -> None:
    """A module that is forgotten or comes too early is missing on every host."""
    modules = json.loads(bundle(package, main, {}))["modules"]
    assert {name for name, _ in modules} == {path.stem for path in (FOLDER / package).glob("*.py")}
    program = BOOTSTRAP.rsplit("sys.modules", 1)[0]
    done = subprocess.run(
        [sys.executable, "-c", program], input=bundle(package, main, {}), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_circle_of_modules_is_told() -> None:
    """It would otherwise only be found at the vantage point."""
    with pytest.raises(ValueError, match="a, b import each other"):
        in_order({"__init__": "", "a": "from . import b", "b": "from .a import x"})


def test_hosts_that_are_looked_at_together_do_not_parse_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads in `ast.parse` can end in a SystemError, and a healthy host is then called unreadable."""
    inside, most, real = 0, 0, module.imported

    def watched(text: str) -> set[str]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        time.sleep(0.001)
        found = real(text)
        inside -= 1
        return found

    monkeypatch.setattr(module, "imported", watched)
    module.modules_of.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(lambda package: bundle(*package, {}), PACKAGES * 4))
    assert most == 1 and len(texts) == len(PACKAGES)
