"""Reads an inventory file as pyinfra would, and tells Python's own mistakes in it in one sentence with the line."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import CodeType
from typing import Any

from ironpost.errors import InventoryError
from ironpost.fleet import Fleet

# What a slip of the operator's pen may raise; anything else is a fault of ours and keeps its traceback.
SLIPS = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
)


def read_inventory(path: Path) -> Fleet:
    """The fleet that an inventory file ends in. Raises InventoryError with every mistake; connects to nothing."""
    names: dict[str, Any] = {"__file__": str(path), "__name__": "__inventory__"}
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        exec(compiled(path), names)  # noqa: S102 - an inventory is a program of the operator's own, as in pyinfra
    except SLIPS as error:
        raise InventoryError(f"{place(path, error)}: {type(error).__name__}: {error}; correct this line") from None
    finally:
        sys.path.remove(folder)
    return only_fleet(path, names)


def compiled(path: Path) -> CodeType:
    try:
        return compile(path.read_text(), str(path), "exec")
    except OSError as error:
        raise InventoryError(f"{path.name}: {error.strerror}; name a readable inventory file") from None
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        said = getattr(error, "msg", str(error))
        raise InventoryError(f"{path.name}:{line}: is not Python ({said}); correct this line") from None


def place(path: Path, error: BaseException) -> str:
    """The line of the inventory in which an error came up."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path.name}:{lines[-1] if lines else 1}"


def only_fleet(path: Path, names: dict[str, Any]) -> Fleet:
    fleets = [value for name, value in names.items() if isinstance(value, Fleet) and not name.startswith("_")]
    if len(fleets) != 1:
        found = "no fleet(…)" if not fleets else f"{len(fleets)} fleets"
        raise InventoryError(f"{path.name}: holds {found}; end it with one line `mail = fleet(MailHost(…), …)`")
    return fleets[0]
