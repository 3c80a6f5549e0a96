"""A test network of real Debian hosts on one machine: DNS, mail hosts, an outside operator and a stranger."""

from ironpost.lab.boot import down, up
from ironpost.lab.lab import Lab
from ironpost.lab.state import LabError

__all__ = ["Lab", "LabError", "down", "up"]
