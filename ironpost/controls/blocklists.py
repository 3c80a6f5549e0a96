"""Block lists: asked in a way that keeps nobody out by mistake."""

from __future__ import annotations

import re

from ironpost.controls.control import Verdict, control, holds_unless, not_applicable
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

ASKED = re.compile(r"reject_rbl_client\s+([^\s,]+)")
LISTED = re.compile(r"127\.0\.0\.\[?\d")


@control(
    "RELAY-10",
    claim='Of a block list only a reply that means "listed" counts',
    reference="RFC 5782 §2.1; RFC 6471 §3; postconf(5) reject_rbl_client",
    severity="high",
    cost="passive",
)
class ListsAreReadRight:
    """A list that does not serve this host answers 127.255.255.254 to every question, and no mail comes in any more."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        service = snapshot.postfix.service("smtp/inet")
        kinds = ("client", "helo", "sender", "recipient")
        asked = [name for kind in kinds for name in ASKED.findall(service[f"smtpd_{kind}_restrictions"])]
        asked += [name for name in re.split(r"[,\s]+", service.get("postscreen_dnsbl_sites", "")) if name]
        if not asked:
            return not_applicable("no block list is asked")
        faults = [f"every reply of {name} counts" for name in asked if not LISTED.match(name.partition("=")[2])]
        return holds_unless(faults, remedy=REDEPLOY)
