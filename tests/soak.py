"""What takes long, in parts that end when their time is over: `make soak PART=2/3`.

IRONPOST_SOAK_PART (`2/3`) says which part, IRONPOST_SOAK_UNTIL (seconds since 1970) when nothing more is begun.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable


def of_part(keys: Iterable[str]) -> set[str]:
    """Those of a part: every n-th in the order of their names; all of them where no part was asked for."""
    number, _, parts = (os.environ.get("IRONPOST_SOAK_PART") or "1/1").partition("/")
    return set(sorted(set(keys))[int(number) - 1 :: int(parts)])


def time_is_over() -> bool:
    return time.time() > float(os.environ.get("IRONPOST_SOAK_UNTIL") or "inf")
