"""Variants of the lab's inventory, written where a test may change them."""

from __future__ import annotations

from pathlib import Path

from tests.lab.deployment import TOP

LAB_INVENTORY = TOP / "inventories" / "lab.py"


def variant(folder: Path, *replacements: tuple[str, str]) -> str:
    """The lab's inventory with some text replaced; each replacement must find its text. Returns the file's name."""
    text = LAB_INVENTORY.read_text()
    for old, new in replacements:
        assert old in text, f"{old!r} stands no more in inventories/lab.py"
        text = text.replace(old, new)
    path = folder / "variant.py"
    path.write_text(text)
    return str(path)


def with_setting(folder: Path, setting: str) -> str:
    """The lab's inventory with one more setting of every mail host."""
    return variant(folder, ("        admin=admin,\n", f"        admin=admin,\n        {setting},\n"))
