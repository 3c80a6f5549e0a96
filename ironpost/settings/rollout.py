"""How a fleet is changed: how many hosts at once, and how long each wave is watched."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ironpost.settings.block import Setting


class Waves(Setting):
    """The waves of `ironpost rollout`. `sizes` are what is done after each, in percent of the fleet or in hosts."""

    canary: Annotated[int, Field(ge=1)] = 1
    sizes: tuple[Annotated[str, Field(pattern=r"^([1-9][0-9]?%|100%|[1-9][0-9]{0,3})$")], ...] = ("10%", "50%", "100%")
    bake_seconds: Annotated[int, Field(ge=0, le=86400)] = 0
    max_failures: Annotated[int, Field(ge=0)] = 0
