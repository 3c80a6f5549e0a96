"""What the hosts tell of themselves, without which some values are not known."""

from __future__ import annotations

from collections.abc import Mapping

# Host name → (domain, selector) → value of p=; None for a host that could not be read.
PublicKeys = Mapping[str, Mapping[tuple[str, str], str] | None]
