"""DMARC: what is published for our domains, and what is done about others' policies."""

from __future__ import annotations

import re
from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence.letters import FORGED_RESULT
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# RFC 7489 §6.3 and RFC 9989: the tags that both know
TAGS = frozenset({"v", "p", "sp", "np", "adkim", "aspf", "rua", "ruf", "fo"})
POLICIES = ("none", "quarantine", "reject")
ADDRESS = re.compile(r"mailto:[^@\s,;!]+@[a-z0-9.-]+(![0-9]+[kmgt]?)?", re.I)


@control(
    "DMARC-01",
    claim="Each mail domain publishes exactly one DMARC policy, valid under the old and the new grammar",
    reference="RFC 9989 §5.6.1; RFC 7489 §6.3",
    severity="high",
)
class OneValidDmarcPolicy:
    """An unknown tag or a misplaced p is enough for some receivers to see no policy at all."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for domain in mailhost.domain_names:
            place = f"_dmarc.{domain}"
            for server, answer in probes.zone.everywhere(place, "TXT").items():
                found = [value for value in answer.values if value.replace(" ", "").upper().startswith("V=DMARC1")]
                if len(found) != 1:
                    faults.append(f"{server}: {place} holds {len(found)} policies")
                faults += [f"{server}: {place}: {fault}" for value in found for fault in mistakes(value)]
        return holds_unless(faults, remedy="run `ironpost dns apply`")


def mistakes(value: str) -> list[str]:
    """What is wrong with a policy record, in words."""
    rows = [part.strip().partition("=") for part in value.split(";") if part.strip()]
    tags = [(name.strip().lower(), content.strip()) for name, _, content in rows]
    found = [f"{name} is no tag that every receiver knows" for name, _ in tags if name not in TAGS]
    if tags[0] != ("v", "DMARC1"):
        found.append("v=DMARC1 does not come first")
    if len(tags) < 2 or tags[1][0] != "p":
        found.append("p does not follow v")
    given = dict(tags)
    found += [
        f"{name}={given[name]} is no policy" for name in ("p", "sp", "np") if given.get(name, "none") not in POLICIES
    ]
    found += [
        f"{name}={given[name]} is no alignment" for name in ("adkim", "aspf") if given.get(name, "r") not in ("r", "s")
    ]
    for address in [each.strip() for each in given.get("rua", "").split(",") if each.strip()]:
        if not ADDRESS.fullmatch(address):
            found.append(f"rua={address} is no address")
    return found


@control(
    "DMARC-06",
    claim="Mail that fails its domain's DMARC policy is refused or filed as junk, and the result is recorded",
    reference="RFC 9989 §7.4; NIST SP 800-177r1; rspamd dmarc, force_actions",
    severity="high",
)
class DmarcIsActedUpon:
    """Debian ships rspamd without any action: the forgery is noted, and delivered."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        actions = snapshot.rspamd("dmarc").get("actions", {})
        rules = snapshot.rspamd("force_actions").get("rules", {})
        faults = []
        if actions.get("reject") != "reject" and not refusing(rules, "DMARC_POLICY_REJECT"):
            faults.append("rspamd refuses nothing that fails p=reject")
        if actions.get("quarantine") not in ("add_header", "rewrite_subject", "quarantine", "reject"):
            faults.append(f"rspamd does {actions.get('quarantine', 'nothing')} about p=quarantine")
        if snapshot.rspamd("dmarc").get("enabled") is False:
            faults.append("rspamd: the module dmarc is switched off")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        reply = probes.letters.spoof
        wrong = [f"a letter that forges a domain with p=reject gets {reply.code} {reply.text}"]
        return holds_unless(wrong * (reply.code < 500), remedy=REDEPLOY)


def refusing(rules: dict[str, Any], symbol: str) -> list[str]:
    """Names of the rules that refuse a letter with that symbol."""
    return [
        name
        for name, rule in rules.items()
        if isinstance(rule, dict) and rule.get("action") == "reject" and symbol in str(rule.get("expression", ""))
    ]


@control(
    "DMARC-07",
    claim="Forged Authentication-Results in our name are removed, and letters without exactly one From are refused",
    reference="RFC 8601 §5; RFC 5322 §3.6; RFC 7489 §6.6.1; rspamd milter_headers",
    severity="high",
)
class ForgedResultsAreRemoved:
    """Mail programs and filters believe what the host seems to have written."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        routines = snapshot.rspamd("milter_headers").get("routines", {})
        own = routines.get("authentication-results", {}).get("remove")
        general = routines.get("remove-headers", {}).get("headers", {}).get("Authentication-Results")
        faults = []
        if 0 not in (own, general):  # rspamd: 0 removes every one
            faults.append("rspamd removes no forged Authentication-Results")
        rules = snapshot.rspamd("force_actions").get("rules", {})
        if not any(refusing(rules, symbol) for symbol in ("FROM_NOT_ONCE", "MULTIPLE_FROM", "MISSING_FROM")):
            faults.append("rspamd refuses no letter with two From fields")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        letter, reply = probes.letters.forged, probes.letters.two_from
        faults = []
        if any(FORGED_RESULT in result for result in letter.results):
            faults.append("a forged Authentication-Results of a stranger was delivered")
        if reply.code < 500:
            faults.append(f"a letter with two From fields gets {reply.code} {reply.text}")
        return holds_unless(faults, remedy=REDEPLOY)
