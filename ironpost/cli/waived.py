"""What a waiver may name."""

from __future__ import annotations

from ironpost.controls import CONTROLS
from ironpost.errors import InventoryError
from ironpost.fleet import Fleet


def refuse_unknown_controls(fleet: Fleet) -> None:
    """A waiver of a control that does not exist waives nothing, and its owner believes that it does."""
    known = {control.id for control in CONTROLS}
    mistakes = [
        f"{waiver.where}: Waiver: control: there is no {waiver.control}; docs/controls.md lists them"
        for waiver in fleet.waivers
        if waiver.control not in known
    ]
    if mistakes:
        raise InventoryError("\n".join(mistakes))
