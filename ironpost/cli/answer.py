"""The JSON that every command gives on request: one frame around its results (`schema`, `tool`, `results`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ironpost import __version__


def write_answer(path: str | None, schema: int, results: list[dict[str, Any]], **further: Any) -> None:
    """To a file, or to standard output for "-"; nothing without a path. `further` stands beside the results."""
    if path is None:
        return
    tool = {"name": "ironpost", "version": __version__}
    text = json.dumps({"schema": schema, "tool": tool, "results": results, **further}, indent=1) + "\n"
    if path == "-":
        click.echo(text, nl=False)
    else:
        Path(path).write_text(text)
