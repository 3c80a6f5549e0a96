"""Programs of several files that run elsewhere without being installed there: sent as text on standard input."""

from __future__ import annotations

import ast
import functools
import json
import threading
from pathlib import Path

FOLDER = Path(__file__).parent / "programs"
# Hosts are looked at side by side, and two threads in `ast.parse` of Python 3.11 can end in a SystemError
# (github.com/python/cpython/issues/106905).
ONE_PARSES = threading.Lock()
# Makes the package of sources on standard input: nothing is written where it runs.
BOOTSTRAP = """
import json, sys, types
bundle = json.load(sys.stdin)
package = bundle["package"]
for name, source in bundle["modules"]:
    full = package if name == "__init__" else package + "." + name
    module = types.ModuleType(full)
    module.__package__ = package
    if name == "__init__":
        module.__path__ = []
    else:
        setattr(sys.modules[package], name, module)
    sys.modules[full] = module
    exec(compile(source, full, "exec"), module.__dict__)
sys.modules[package + "." + bundle["main"]].main(bundle["job"])
"""


def bundle(package: str, main: str, job: object) -> str:
    """The text for BOOTSTRAP: all modules of programs/`package`, each after those that it imports, and the job."""
    with ONE_PARSES:
        modules = modules_of(package)
    return json.dumps({"package": package, "main": main, "modules": modules, "job": json.dumps(job)})


@functools.cache
def modules_of(package: str) -> tuple[tuple[str, str], ...]:
    """(name, source) of each module, in order; the same for every host."""
    sources = {path.stem: path.read_text() for path in sorted((FOLDER / package).glob("*.py"))}
    return tuple((name, sources[name]) for name in in_order(sources))


def in_order(sources: dict[str, str]) -> list[str]:
    """`__init__` first, then each module after those of the package that it imports."""
    placed: list[str] = ["__init__"]
    waiting = {name: imported(text) & sources.keys() for name, text in sources.items() if name != "__init__"}
    while waiting:
        ready = sorted(name for name, needs in waiting.items() if needs <= set(placed))
        if not ready:
            raise ValueError(f"{', '.join(waiting)} import each other; take what they share into a module of its own")
        placed += ready
        waiting = {name: needs for name, needs in waiting.items() if name not in ready}
    return placed


def imported(text: str) -> set[str]:
    """Modules of its own package that a module imports (`from . import a`, `from .a import b`)."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found |= {node.module} if node.module else {alias.name for alias in node.names}
    return found
