"""The controls, in reading order: what a hardened mail host must be, each on evidence of its own."""

from __future__ import annotations

from ironpost.controls.control import Control, control_of

CLAIMED: tuple[type, ...] = ()
CONTROLS: tuple[Control, ...] = tuple(control_of(claimed) for claimed in CLAIMED)
