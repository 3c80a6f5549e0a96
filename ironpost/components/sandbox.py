"""The walls around each service: a drop-in for its unit, which the component of that service brings along."""

from __future__ import annotations

from ironpost.component import HostFile
from ironpost.mailhost import MailHost
from ironpost.render import render


def drop_in(unit: str) -> str:
    """Where the drop-in lies. A change of it asks for a restart: a running process keeps the walls it started with."""
    return f"/etc/systemd/system/{unit}.d/ironpost.conf"


def sandbox(mailhost: MailHost, unit: str) -> HostFile:
    """What the service may still do, with its reasons (systemd.exec(5))."""
    return HostFile(drop_in(unit), render(drop_in(unit), mailhost))
