"""Evidence as JSON and back, exactly: what is judged again later must be what was judged at first."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any

from ironpost import evidence
from ironpost.errors import UnverifiableError

IS = "is"  # names the kind of a value that JSON has no form for


@cache
def kinds() -> dict[str, type]:
    """Every dataclass of this room, by name."""
    modules = [
        importlib.import_module(f"{evidence.__name__}.{each.name}") for each in pkgutil.iter_modules(evidence.__path__)
    ]
    found = (value for module in modules for value in vars(module).values() if isinstance(value, type))
    return {each.__name__: each for each in found if dataclasses.is_dataclass(each)}


def encoded(value: Any) -> Any:
    """Plain JSON. Raises TypeError for a kind of value that evidence does not consist of."""
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: encoded(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {IS: type(value).__name__} | parts
    if isinstance(value, list):
        return [encoded(each) for each in value]
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and key != IS for key in value):
            return {key: encoded(each) for key, each in value.items()}
        return {IS: "mapping", "items": [[encoded(key), encoded(each)] for key, each in value.items()]}
    return encoded_rest(value)


def encoded_rest(value: Any) -> Any:
    if isinstance(value, tuple):
        return {IS: "tuple", "items": [encoded(each) for each in value]}
    if isinstance(value, (set, frozenset)):
        return {IS: "set", "items": sorted((encoded(each) for each in value), key=str)}
    if isinstance(value, bytes):
        return {IS: "bytes", "base64": base64.b64encode(value).decode()}
    if isinstance(value, datetime.datetime):
        return {IS: "time", "text": value.isoformat()}
    if isinstance(value, UnverifiableError):
        return {IS: "unverifiable", "text": str(value)}
    raise TypeError(f"evidence holds a {type(value).__name__}, which cannot be kept")


def decoded(value: Any) -> Any:
    """The value that was encoded. Raises KeyError, TypeError or ValueError for what `encoded` did not write."""
    if isinstance(value, list):
        return [decoded(each) for each in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(IS)
    if kind is None:
        return {key: decoded(each) for key, each in value.items()}
    if kind in OTHERS:
        return OTHERS[kind](value)
    fields = {key: decoded(each) for key, each in value.items() if key != IS}
    return kinds()[kind](**fields)


OTHERS: dict[str, Any] = {
    "mapping": lambda value: {decoded(key): decoded(each) for key, each in value["items"]},
    "tuple": lambda value: tuple(decoded(each) for each in value["items"]),
    "set": lambda value: frozenset(decoded(each) for each in value["items"]),
    "bytes": lambda value: base64.b64decode(value["base64"]),
    "time": lambda value: datetime.datetime.fromisoformat(value["text"]),
    "unverifiable": lambda value: UnverifiableError(value["text"]),
}
