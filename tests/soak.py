"""What takes long, in parts: `make soak PART=2/3`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable


def of_part(keys: Iterable[str]) -> set[str]:
    """Those of the part that IRONPOST_SOAK_PART names: every n-th in the order of their names; without one, all.

    Raises ValueError for a part that there is not, of which nothing would be run, and all of it well.
    """
    said = os.environ.get("IRONPOST_SOAK_PART") or "1/1"
    found = re.fullmatch(r"([1-9])/([1-9])", said)
    if not found or found[1] > found[2]:
        raise ValueError(f"IRONPOST_SOAK_PART={said}: is no part; write 1/3, 2/3 or 3/3")
    return set(sorted(set(keys))[int(found[1]) - 1 :: int(found[2])])
