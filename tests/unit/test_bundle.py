"""Programs that are sent as text: whole, and in an order in which they can be made."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

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
