"""What the inventory says, as far as controls judge it."""

from __future__ import annotations

import dataclasses
import datetime

from ironpost.settings import Waiver


@dataclasses.dataclass(frozen=True)
class Told:
    """The waivers that touch one mail host, and the day on which that is asked."""

    waivers: tuple[Waiver, ...]
    today: datetime.date
