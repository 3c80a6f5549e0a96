"""Controls on the proof itself."""

from __future__ import annotations

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.evidence.told import Told
from ironpost.mailhost import MailHost


@control(
    "EVD-04",
    claim="Every deviation that is waived has a reason, an owner and an end, and no end has passed",
    reference="ISO/IEC 27001 §6.1.3",
    cost="passive",
)
class WaiversHaveAnEnd:
    """An exception that nobody looks at again has become the rule."""

    def inventory(self, mailhost: MailHost, told: Told) -> Verdict:
        over = [waiver for waiver in told.waivers if not waiver.runs(told.today)]
        running = [f"{waiver.control} {waiver.shown}" for waiver in told.waivers if waiver.runs(told.today)]
        return holds_unless(
            (f"the waiver of {waiver.control} ended on {waiver.until} ({waiver.owner})" for waiver in over),
            remedy="mend what was waived and remove the waiver, or have its owner decide anew",
            seen="; ".join(running) or "nothing is waived",
        )
