"""Writes docs/settings.md and docs/controls.md from the code: `make docs`. A test compares them with what is kept."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from ironpost import mailhost, settings
from ironpost.controls import CONTROLS
from ironpost.settings import Setting

FOLDER = Path(__file__).parent
# Every block that an inventory may hold: the two that a reader looks for first, then the others by name.
BLOCKS: tuple[type[Setting], ...] = (
    mailhost.MailHost,
    mailhost.Domain,
    *(
        block
        for name in sorted(settings.__all__)
        if isinstance(block := getattr(settings, name), type) and issubclass(block, Setting) and block is not Setting
    ),
)


def settings_page() -> str:
    """Every setting with its type and default."""
    parts = ["# Settings", "", "Written by `make docs` from the code. An inventory ends in one `fleet(…)` call.", ""]
    for block in BLOCKS:
        parts += [
            f"## {block.__name__}",
            "",
            inspect.getdoc(block) or "",
            "",
            "| setting | type | default |",
            "|---|---|---|",
        ]
        parts += [
            f"| `{name}` | {kind_of(block, name)} | {default_of(field)} |" for name, field in block.model_fields.items()
        ]
        parts.append("")
    return "\n".join(parts)


def kind_of(block: type[Setting], name: str) -> str:
    """The type as it is written in the code, which names the constraint (`DnsName`) where there is one."""
    said = next(each for each in block.__mro__ if name in each.__dict__.get("__annotations__", {}))
    for line in inspect.getsource(said).splitlines():
        written, colon, rest = line.strip().partition(":")
        if colon and written == name:
            return f"`{rest.split(' = ')[0].strip()}`".replace("|", "\\|")
    return ""


def default_of(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default_factory is not None:
        return f"`{field.default_factory.__name__}()`"
    return f"`{field.default!r}`"


def controls_page() -> str:
    """Every control with its claim, level, severity, cost, sides and reference; then what other texts ask for."""
    parts = ["# Controls", "", "Written by `make docs` from the code. `ironpost verify INVENTORY` runs them.", ""]
    parts += ["| id | claim | level | severity | cost | sides | reference |", "|---|---|---|---|---|---|---|"]
    for control in CONTROLS:
        strict = [side for side, _ in control.strict]
        level = control.level + (f" (strict value: {', '.join(strict)})" if strict else "")
        cells = (control.id, control.claim, level, control.severity, control.cost, ", ".join(control.sides))
        parts.append("| " + " | ".join(cell.replace("|", "\\|") for cell in (*cells, control.reference)) + " |")
    return "\n".join([*parts, "", *conditions(), *mappings(), ""])


def conditions() -> list[str]:
    """What must be there for a control to be shown at all."""
    rows = [f"- {control.id}: {', '.join(sorted(control.needs))}" for control in CONTROLS if control.needs]
    return ["## What they need", "", *rows, ""] if rows else []


def mappings() -> list[str]:
    """Other texts that ask for the same. A clause is shown only of a text that was read."""
    parts = [
        "## Other texts",
        "",
        "A clause is shown only of a text that was read for this table; `from memory` claims",
    ]
    parts += ["that the text asks for such a thing, and nothing more. Nothing here claims conformity.", ""]
    parts += ["| control | asked for in |", "|---|---|"]
    rows = [(control.id, "; ".join(each.shown for each in control.mappings)) for control in CONTROLS]
    return [*parts, *(f"| {name} | {texts} |" for name, texts in rows if texts)]


PAGES = {"settings.md": settings_page, "controls.md": controls_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
