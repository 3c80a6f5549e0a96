"""Signatures of an age that is over."""

from __future__ import annotations

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.keys import ALGORITHMS
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

REFUSED, COUNTED = "RSA_SHA1_REFUSED", "R_DKIM_ALLOW"


@control(
    "DKIM-04",
    claim="Nothing is signed by rsa-sha1, and where somebody else does so it counts as a failure",
    reference="RFC 8301 §3.1; RFC 8601 §2.7.1",
    severity="high",
    roles=("mx", "submission", "relay"),
)
class Sha1SignsNothing:
    """Two letters with one SHA-1 digest can be made; a signature under one of them holds for the other."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        found = snapshot.old_signature
        faults = [] if REFUSED in found else ["rspamd takes a signature by rsa-sha1 for any other"]
        faults += [f"{COUNTED} for a signature that does not hold"] * (COUNTED in found)
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        signatures = probes.letters.written.signatures
        if not signatures:
            raise NotCollectedError("the letter carries no signature to look at")
        old = [each for each in signatures if each.algorithm not in ALGORITHMS]
        faults = [f"s={each.selector} signs by {each.algorithm}" for each in old]
        return holds_unless(faults, remedy=REDEPLOY)
