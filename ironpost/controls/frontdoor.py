"""Port 25 before the first letter: who talks too early, and how lines end."""

from __future__ import annotations

from ironpost.controls.control import Verdict, control, holds_unless, not_applicable
from ironpost.controls.tls import REDEPLOY, smtpd
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

DEEP = ("postscreen_pipelining_enable", "postscreen_non_smtp_command_enable", "postscreen_bare_newline_enable")


@control(
    "SMTP-03",
    claim="A letter with a bare line feed is refused, not mended",
    reference="RFC 5321 §2.3.8; postconf(5) smtpd_forbid_bare_newline, smtpd_forbid_bare_newline_reject_code",
    level="strict",
    roles={"mx"},
)
class BareLineFeedsAreRefused:
    """What is mended is guessed, and two programs that guess differently are how letters are smuggled."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{name}: smtpd_forbid_bare_newline = {service['smtpd_forbid_bare_newline']}"
            for name, service in smtpd(snapshot)
            if service["smtpd_forbid_bare_newline"] != "reject"
        ]
        return holds_unless(faults, remedy='write bare_newline="reject" for this host, and deploy')

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{address}: a letter with a bare line feed gets {seen[0]} {seen[1]}"
            for address, seen in probes.each("bare newline")
            if seen[0] < 500 or "bare" not in seen[1].lower()
        ]
        return holds_unless(faults, remedy='write bare_newline="reject" for this host, and deploy')


@control(
    "SMTP-15",
    claim="Where postscreen guards port 25 it only tests the greeting and cuts nobody off; at strict it does guard it",
    reference="POSTSCREEN_README; postconf(5) postscreen_greet_action, postscreen_dnsbl_action",
    cost="passive",
    roles={"mx"},
)
class PostscreenOnlyGreets:
    """Its deeper tests put off each new sender; and what it cuts off, a test of mail servers reports as "no TLS"."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        if snapshot.postfix.services.get("smtp/inet") != "postscreen":
            return not_applicable("postscreen is not used")
        service = snapshot.postfix.service("smtp/inet")
        faults = [f"{name} = {service[name]}" for name in DEEP if service[name] != "no"]
        for name in ("postscreen_greet_action", "postscreen_dnsbl_action"):
            asked = name != "postscreen_dnsbl_action" or service["postscreen_dnsbl_sites"]
            faults += [f"{name} = {service[name]}"] * bool(asked and service[name] != "enforce")
        faults += ["postscreen_greet_banner is empty, which ends the test"] * (not service["postscreen_greet_banner"])
        return holds_unless(faults, remedy=REDEPLOY)

    def strict_inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        runs = snapshot.postfix.services.get("smtp/inet") == "postscreen"
        return holds_unless(["postscreen is not used"] * (not runs), remedy="write postscreen=True, and deploy")
