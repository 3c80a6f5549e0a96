"""Writes docs/settings.md and docs/controls.md from the code: `make docs`. A test compares them with what is kept."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from ironpost import mailhost, settings
from ironpost.controls import CONTROLS
from ironpost.settings import Setting

FOLDER = Path(__file__).parent
BLOCKS: tuple[type[Setting], ...] = (
    mailhost.MailHost,
    mailhost.Domain,
    settings.Allow,
    settings.CertificateFiles,
    settings.Dkim,
    settings.Limits,
    settings.Parked,
    settings.ProbeLogin,
    settings.Rfc2136,
    settings.Ssh,
    settings.TsigKey,
    settings.VantagePoint,
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
    """Every control with its claim, level, severity, sides and reference."""
    parts = ["# Controls", "", "Written by `make docs` from the code. `ironpost verify INVENTORY` runs them.", ""]
    parts += ["| id | claim | level | severity | sides | reference |", "|---|---|---|---|---|---|"]
    for control in CONTROLS:
        sides = ", ".join(side for side in ("inside", "outside") if side in control.sides)
        cells = (control.id, control.claim, control.level, control.severity, sides, control.reference)
        parts.append("| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |")
    return "\n".join([*parts, ""])


PAGES = {"settings.md": settings_page, "controls.md": controls_page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page())
