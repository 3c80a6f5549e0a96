"""How the host speaks SMTP with strangers."""

from __future__ import annotations

import re
from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY, listed, smtpd
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes, collected
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

LOOPBACK = re.compile(r"127\.0\.0\.0/8|127\.0\.0\.1(/32)?|\[::1\](/128)?|\[::ffff:127\.0\.0\.0\]/104")
OFFERED = frozenset(
    {"PIPELINING", "SIZE", "STARTTLS", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "CHUNKING"}
)
MOST_SECONDS = {"milter_connect_timeout": 30, "milter_command_timeout": 30, "milter_content_timeout": 300}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(value: str) -> int:
    """A time of postconf(5): a number with a unit, seconds without one."""
    found = re.fullmatch(r"(\d+)([smhd]?)", value.strip())
    if not found:
        raise NotCollectedError(f"{value!r} is not a time")
    return int(found[1]) * UNITS[found[2] or "s"]


@control(
    "SMTP-01",
    claim="Only <CR><LF>.<CR><LF> ends a message: none of ten other endings splits it in two",
    reference="RFC 5321 §2.3.8, §4.1.1.4; CVE-2023-51764; postconf(5) smtpd_forbid_bare_newline",
    severity="critical",
)
class NoSmuggling:
    """A letter hidden in another one arrives with the outer server's good name (SMTP smuggling)."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name, service in smtpd(snapshot):
            if service["smtpd_forbid_bare_newline"] not in ("normalize", "reject", "yes"):
                faults.append(f"{name}: smtpd_forbid_bare_newline = {service['smtpd_forbid_bare_newline']}")
            trusted = listed(service["smtpd_forbid_bare_newline_exclusions"])
            faults += [f"{name}: {network} may smuggle" for network in trusted if not LOOPBACK.fullmatch(network)]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("smuggling"):
            for label, codes in seen.items():
                replies = [code for code in collected(codes, f"{address}: {label}") if code != 221]
                if not replies:
                    raise NotCollectedError(f"{address}: {label}: the server said nothing")
                if len(replies) > 1:
                    faults.append(f"{address}: {label} ends a message; {len(replies)} replies came to one letter")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SMTP-02",
    claim="A client that sends ahead before it may is turned away",
    reference="RFC 2920 §3.1; RFC 5321 §4.3.1; postconf(5) smtpd_forbid_unauth_pipelining",
)
class NoEarlyPipelining:
    """Spam programs do not wait for answers, and smuggling tools cannot."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name, service in smtpd(snapshot):
            if service["smtpd_forbid_unauth_pipelining"] != "yes":
                faults.append(f"{name}: smtpd_forbid_unauth_pipelining = {service['smtpd_forbid_unauth_pipelining']}")
            if "reject_unauth_pipelining" not in listed(service["smtpd_data_restrictions"]):
                faults.append(f"{name}: smtpd_data_restrictions lacks reject_unauth_pipelining")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("pipelining"):
            if 354 in seen["early"] or not any(code >= 500 for code in seen["early"]):
                faults.append(f"{address}: commands ahead of EHLO's reply get {seen['early']}")
            if any(code >= 400 for code in seen["allowed"]):
                faults.append(f"{address}: pipelining that EHLO allowed gets {seen['allowed']}")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SMTP-05",
    claim="VRFY and EXPN confirm no address",
    reference="RFC 5321 §7.3; postconf(5) disable_vrfy_command",
    severity="low",
)
class NoVrfy:
    """They tell a stranger whom it is worth to guess passwords for."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{name}: disable_vrfy_command = {service['disable_vrfy_command']}"
            for name, service in smtpd(snapshot)
            if service["disable_vrfy_command"] != "yes"
        ]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("smtp/25"):
            if "VRFY" in seen["ehlo"]:
                faults.append(f"{address}: EHLO offers VRFY")
            faults += answered(address, seen, "VRFY", "EXPN")
        return holds_unless(faults, remedy=REDEPLOY)


def answered(address: str, seen: dict[str, Any], *commands: str) -> list[str]:
    """Commands that should have been refused for good."""
    replies = {command: seen["replies"][command] for command in commands}
    return [f"{address}: {command} gets {code} {text}" for command, (code, text) in replies.items() if code < 500]


@control(
    "SMTP-06",
    claim="Port 25 offers strangers nothing beyond what sending a letter needs",
    reference="RFC 1985 §7; postconf(5) smtpd_discard_ehlo_keywords, smtpd_authorized_xclient_hosts",
)
class NothingSuperfluousOffered:
    """ETRN starts work for anybody; XCLIENT and XFORWARD let a client say who it is."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        service = snapshot.postfix.service("smtp/inet")
        faults = []
        if "etrn" not in listed(service["smtpd_discard_ehlo_keywords"].lower()):
            faults.append(f"smtpd_discard_ehlo_keywords = {service['smtpd_discard_ehlo_keywords']} lacks etrn")
        if "reject" not in listed(service["smtpd_etrn_restrictions"]):
            faults.append(f"smtpd_etrn_restrictions = {service['smtpd_etrn_restrictions']!r} refuses nobody")
        for setting in ("smtpd_authorized_xclient_hosts", "smtpd_authorized_xforward_hosts"):
            if service[setting]:
                faults.append(f"{setting} = {service[setting]}")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for address, seen in probes.each("smtp/25"):
            offers = {line.split()[0].upper() for line in [*seen["ehlo"], *seen.get("ehlo_tls", [])] if line}
            faults += [f"{address}: EHLO offers {word}" for word in sorted(offers - OFFERED)]
            faults += answered(address, seen, "ETRN", "XCLIENT")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SMTP-10",
    claim="Unknown recipients are refused at RCPT, never accepted and bounced",
    reference="RFC 5321 §3.6.3; RFC 3834; postconf(5) smtpd_reject_unlisted_recipient",
    severity="high",
)
class UnknownRecipientsRefused:
    """Bounces to forged senders are spam that we would send."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        service = snapshot.postfix.service("smtp/inet")
        expected = {
            "smtpd_reject_unlisted_recipient": "yes",
            "soft_bounce": "no",
            "unknown_local_recipient_reject_code": "550",
            "unknown_virtual_mailbox_reject_code": "550",
            "luser_relay": "",
        }
        faults = [f"{name} = {service[name]!r}" for name, value in expected.items() if service[name] != value]
        if not service["virtual_mailbox_maps"]:
            faults.append("virtual_mailbox_maps is empty: every recipient is taken")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{address}: an unknown recipient of {domain} gets {code} {text}"
            for address, seen in probes.each("unknown")
            for domain, (code, text) in seen.items()
            if code != 550
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SMTP-13",
    claim="When the mail filter is down, mail waits; it does not pass unfiltered",
    reference="MILTER_README; postconf(5) milter_default_action, milter_connect_timeout",
    severity="high",
)
class FilterFailsClosed:
    """Whoever can stop the filter could otherwise send what it would have refused."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name, service in smtpd(snapshot):
            # What another host of the fleet brings for a mailbox was judged where it came in.
            judged_before = mailhost.inner and "mailbox" in mailhost.roles and name == "4525/inet"
            if not service["smtpd_milters"] and not judged_before:
                faults.append(f"{name}: smtpd_milters is empty: nothing is filtered")
            if service["milter_default_action"] not in ("tempfail", "shutdown", "reject"):
                faults.append(f"{name}: milter_default_action = {service['milter_default_action']}")
            if re.search(r"default_action\s*=\s*accept", service["smtpd_milters"]):
                faults.append(f"{name}: smtpd_milters = {service['smtpd_milters']}")
            for setting, most in MOST_SECONDS.items():
                if seconds(service[setting]) > most:
                    faults.append(f"{name}: {setting} = {service[setting]}, more than {most} s")
        return holds_unless(faults, remedy=REDEPLOY)
