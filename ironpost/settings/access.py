"""Who may come in, and how much of it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ironpost.settings.block import Setting
from ironpost.settings.words import Networks


class Allow(Setting):
    """Who may reach a service at all. An empty list for ssh means: from anywhere, keys only, rate-limited."""

    ssh: Networks = ()


class Limits(Setting):
    """What one client or account may do; units in the names, reasons in docs/operating.md."""

    message_bytes: Annotated[int, Field(ge=1_000_000, le=1_000_000_000)] = 50 * 1024 * 1024
    smtp_connections_per_minute: Annotated[int, Field(ge=150)] = 200
    smtp_parallel: Annotated[int, Field(ge=10)] = 20
    auth_per_minute: Annotated[int, Field(ge=5)] = 60
    submission_parallel: Annotated[int, Field(ge=5)] = 20
    imap_parallel_per_user: Annotated[int, Field(ge=5)] = 50
    queue_days: Annotated[int, Field(ge=1, le=5)] = 5
    bounce_queue_days: Annotated[int, Field(ge=1, le=5)] = 2
    mailbox_bytes: Annotated[int, Field(ge=10_000_000)] = 5 * 1024**3
