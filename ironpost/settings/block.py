"""A block of settings: it keeps its mistakes, where it was written, and how mistakes are told."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

OWN_CODE = str(Path(__file__).parents[1])
# What pydantic calls a mistake → what it is in an inventory, and what to write in its place.
REMEDIES = {
    "tuple_type": ("a list", "put it into brackets: [...]"),
    "too_short": ("enough", "name at least {min_length}"),
    "string_type": ("text", "put it into quotes"),
    "int_type": ("a whole number", "write digits alone, without a unit"),
    "int_parsing": ("a whole number", "write digits alone, without a unit"),
    "int_from_float": ("a whole number", "write digits alone"),
    "bool_type": ("True or False", "write one of them"),
    "bool_parsing": ("True or False", "write one of them"),
    "model_type": ("a block of settings", "write {class_name}(...)"),
    "string_pattern_mismatch": ("of the form that is needed", "write it to match {pattern}"),
    "date_type": ("a day", "write datetime.date(2027, 1, 31)"),
    "date_from_datetime_parsing": ("a day", "write datetime.date(2027, 1, 31)"),
    "string_too_short": ("enough", "write at least {min_length} characters"),
}


class Setting(BaseModel):
    """A block of settings. Mistakes do not raise here: `fleet` tells all of them together, with file and line."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    # A block inside another one is looked at again by its own validators, which leave one with mistakes alone.
    _mistakes: tuple[str, ...] = PrivateAttr(default=())
    _where: str = PrivateAttr(default="")

    def __init__(self, *unnamed: Any, **values: Any) -> None:
        mistakes: list[str] = []
        if unnamed:
            mistakes.append(f"{type(self).__name__}: {len(unnamed)} value(s) without a name; write name=value")
        try:
            super().__init__(**values)
        except ValidationError as error:
            mistakes += [sentence(problem) for problem in error.errors(include_url=False, include_context=True)]
            object.__setattr__(self, "__pydantic_private__", {})
            object.__setattr__(self, "__pydantic_fields_set__", set())
            object.__setattr__(self, "__pydantic_extra__", None)
            object.__setattr__(self, "__dict__", dict(values))
        self._mistakes = tuple(mistakes)
        self._where = written_at()

    # pydantic calls __init__ of nested models itself unless it is told that this one adds nothing to validation.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    @property
    def mistakes(self) -> tuple[str, ...]:
        """What is wrong with this block and with those inside it, in words."""
        return self._mistakes + tuple(
            f"{type(block).__name__}: {mistake}" for block in blocks_of(self) for mistake in block.mistakes
        )

    @property
    def where(self) -> str:
        """`file:line` of the inventory where this block was written."""
        return self._where


def blocks_of(block: Setting) -> list[Setting]:
    """The blocks written directly inside a block, whether or not it was accepted."""
    found: list[Setting] = []
    for value in vars(block).values():
        values = value if isinstance(value, (list, tuple)) else (value,)
        found += [item for item in values if isinstance(item, Setting)]
    return found


def written_at() -> str:
    """Where the operator wrote the call that is being made: the nearest line outside this library."""
    frame = sys._getframe(1)
    while frame.f_back and (frame.f_code.co_filename.startswith(OWN_CODE) or "pydantic" in frame.f_code.co_filename):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}"


def sentence(problem: Any) -> str:
    """One pydantic error as `field: what; what to do`, quoting what was written but no secret."""
    place = ".".join(str(part) for part in problem["loc"] if not str(part).startswith("function-")) or "settings"
    if problem["type"] == "extra_forbidden":
        return f"{place}: there is no such setting; look for a misspelling"
    if problem["type"] == "missing":
        return f"{place}: is missing; add it"
    if problem["type"] == "is_instance_of" and problem["ctx"]["class"] == "Secret":
        return f"{place}: a secret must not stand in an inventory; use Secret.env, Secret.file or Secret.command"
    if problem["type"] == "value_error":
        return f"{place}: {problem['ctx']['error']}"
    if problem["type"] in REMEDIES:
        kind, remedy = REMEDIES[problem["type"]]
        return f"{place}: {shown(problem['input'])} is not {kind}; {remedy.format(**problem.get('ctx', {}))}"
    return f"{place}: {problem['msg']}; found {shown(problem['input'])}"


def shown(value: Any) -> str:
    """What was written, on one line and not long."""
    if isinstance(value, Setting):
        return type(value).__name__
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
