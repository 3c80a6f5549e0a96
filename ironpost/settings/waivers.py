"""Deviations that somebody answers for."""

from __future__ import annotations

import datetime
from typing import Annotated

from pydantic import Field, model_validator

from ironpost.settings.block import Setting
from ironpost.settings.words import DnsName


class Waiver(Setting):
    """A control that a mail host, or what it does for one domain, need not satisfy until the end of a day.

    It is still measured and shown; a waiver that has run out is a finding. It holds for every mail host of the fleet
    unless `mailhost` or `domain` is named. Only what was seen to be broken is waived, never what could not be verified.
    """

    control: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,6}-\d{2,3}$")]
    reason: Annotated[str, Field(min_length=10)]
    owner: Annotated[str, Field(min_length=2)]
    until: datetime.date
    mailhost: DnsName | None = None
    domain: DnsName | None = None

    @model_validator(mode="after")
    def _has_one_scope(self) -> Waiver:
        if not self._mistakes and self.mailhost and self.domain:
            raise ValueError("names both a mailhost and a domain; write one of them, or two waivers")
        return self

    def runs(self, today: datetime.date) -> bool:
        """Whether it is in force on that day."""
        return today <= self.until

    @property
    def shown(self) -> str:
        """`until 2027-01-31 (mail@example.org): reason`."""
        return f"until {self.until:%Y-%m-%d} ({self.owner}): {self.reason}"
