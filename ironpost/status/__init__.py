"""How each host of a fleet stands at this moment: which generation, what waits in its queue, what needs attention."""

from __future__ import annotations

from ironpost.status.reading import Reading, read, read_all
from ironpost.status.wants import wants

__all__ = ["Reading", "read", "read_all", "wants"]
