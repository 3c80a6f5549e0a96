"""How a promise to senders is taken back."""

from __future__ import annotations

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.sts import PUBLISH, RECORD, fields, served
from ironpost.evidence.probes import Probes
from ironpost.mailhost import MailHost

LETTERS = {"e": "enforce", "t": "testing"}  # how an id of ours begins: the mode that senders remember


@control(
    "STS-05",
    claim="An MTA-STS policy ends by one that says none, and never by vanishing",
    reference="RFC 8461 §8.3, §3.1",
)
class PoliciesDoNotVanish:
    """Senders go by what they remember, for weeks, whether or not anything is announced any more."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for domain in mailhost.domains:
            for server, answer in probes.zone.everywhere(f"_mta-sts.{domain.name}", "TXT").items():
                found = [match for value in answer.values if (match := RECORD.fullmatch(value))]
                mode = LETTERS.get(found[0][1][:1], "none") if found else ""
                if not domain.mta_sts and mode in LETTERS.values():
                    faults.append(f"{server}: announces mode {mode} for {domain.name}, which has no policy any more")
                if domain.mta_sts and not mode:
                    modes = {
                        fields(seen["policy"]["text"])[0].get("mode", "none") for _, seen in served(domain, probes)
                    }
                    faults += [
                        f"{server}: announces no policy of {domain.name}, whose mode is {each}"
                        for each in modes - {"none"}
                    ]
        remedy = f'say mta_sts="none", {PUBLISH}, and take it away when max_age is over'
        return holds_unless(faults, remedy=remedy)
