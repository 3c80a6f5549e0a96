"""Good conduct on port 25: what clients must do, and what must always be accepted from them."""

from __future__ import annotations

from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY, listed, ports_of, smtpd
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost


def replied(address: str, what: str, seen: list[Any], good: range) -> list[str]:
    code, text = seen
    return [] if code in good else [f"{address}: {what} gets {code} {text}"]


ACCEPTED, REFUSED = range(200, 300), range(500, 600)


@control(
    "SMTP-04",
    claim="No letter leaves with a stray CR or LF in it",
    reference="RFC 5321 §2.3.8; CVE-2023-51764; postconf(5) cleanup_replace_stray_cr_lf",
    severity="high",
    cost="passive",
)
class NoStrayLineEnds:
    """The other half of SMTP smuggling: a hidden letter would leave in our good name."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        value = snapshot.postfix.value("cleanup_replace_stray_cr_lf")
        return holds_unless([] if value == "yes" else [f"cleanup_replace_stray_cr_lf = {value}"], remedy=REDEPLOY)


@control(
    "SMTP-07",
    claim="Clients greet, with a real name, and not with ours",
    reference="RFC 5321 §4.1.1.1, §4.1.4; postconf(5) smtpd_helo_required",
    severity="low",
)
class ClientsGreet:
    """Programs that only send spam save themselves the trouble."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        service = snapshot.postfix.service("smtp/inet")
        rules = listed(service["smtpd_helo_restrictions"])
        faults = [] if service["smtpd_helo_required"] == "yes" else ["smtpd_helo_required = no"]
        wanted = ("check_helo_access", "reject_invalid_helo_hostname", "reject_non_fqdn_helo_hostname")
        faults += [f"smtpd_helo_restrictions lacks {rule}" for rule in wanted if rule not in rules]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("manners"):
            faults += replied(address, "MAIL without EHLO", seen["without greeting"], REFUSED)
            faults += replied(address, f"a client that calls itself {mailhost.name}", seen["own name"], REFUSED)
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SMTP-08",
    claim="The greeting names the host and neither program nor system",
    reference="NIST SP 800-45 §5; postconf(5) smtpd_banner",
    severity="low",
)
class GreetingTellsNothing:
    """The version in a greeting tells a stranger which hole to try first."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{name}: smtpd_banner = {service['smtpd_banner']}"
            for name, service in smtpd(snapshot)
            if service["smtpd_banner"] not in ("$myhostname ESMTP", f"{mailhost.name} ESMTP")
        ]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{address} port {port}: greets with {seen['banner']!r}"
            for port in ports_of(mailhost)
            if port in (25, 587)
            for address, seen in probes.each(f"smtp/{port}")
            if seen["banner"] != f"{mailhost.name} ESMTP"
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SMTP-09",
    claim="A sender that nobody could ever answer is not accepted",
    reference="RFC 5321 §4.1.2; RFC 7505 §4.2; postconf(5) reject_unknown_sender_domain",
)
class SendersCanBeAnswered:
    """Whatever goes wrong with such a letter, nobody would ever hear of it."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        rules = listed(snapshot.postfix.service("smtp/inet")["smtpd_sender_restrictions"])
        wanted = ("reject_non_fqdn_sender", "reject_unknown_sender_domain")
        faults = [f"smtpd_sender_restrictions lacks {rule}" for rule in wanted if rule not in rules]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("manners"):
            faults += replied(address, "a sender of no-such-domain.invalid", seen["nobody"], range(400, 600))
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SMTP-11",
    claim="Anybody reaches postmaster and abuse of every domain, with bounces too",
    reference="RFC 5321 §4.5.1; RFC 2142 §4–5",
    severity="high",
)
class RolesAreReached:
    """Whoever wants to report trouble with this host writes there, and blocklists look whether it is possible."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("manners"):
            for role, reply in seen["roles"].items():
                faults += replied(address, role, reply, ACCEPTED)
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SMTP-12",
    claim="A bounce is accepted for one recipient and for no more",
    reference="RFC 5321 §3.6.3, §4.5.5; BACKSCATTER_README",
)
class BouncesHaveOneRecipient:
    """No server writes a bounce to two people; whoever does it sends spam in a form that is hard to refuse."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        rules = listed(snapshot.postfix.service("smtp/inet")["smtpd_data_restrictions"])
        faults = [] if "reject_multi_recipient_bounce" in rules else ["smtpd_data_restrictions lets bounces to many in"]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("manners"):
            faults += replied(address, "a bounce for two", seen["bounce for two"], REFUSED)
        return holds_unless(faults, remedy=REDEPLOY)
