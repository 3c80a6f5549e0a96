"""What is written down, for how long, and what must never be."""

from __future__ import annotations

import re

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.host import part, sections
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

DAYS = {
    "day": 1,
    "days": 1,
    "d": 1,
    "week": 7,
    "weeks": 7,
    "w": 7,
    "month": 30,
    "months": 30,
    "year": 365,
    "years": 365,
}
LEAST_DAYS = 90
LEAST_BURST = 100_000
WATCHED = (
    "/etc/postfix",
    "/etc/dovecot",
    "/etc/ssl/ironpost",
    "/etc/nftables.conf",
    "/etc/shadow",
    "/var/lib/rspamd/dkim",
)


def days(span: str) -> int:
    """A time span of systemd.time(7) of one number and one unit, in whole days; 0 for what is shorter or unknown."""
    found = re.fullmatch(r"(\d+)\s*([a-z]+)", span)
    return int(found.group(1)) * DAYS.get(found.group(2), 0) if found else 0


@control(
    "LOG-01",
    claim="The journal survives a reboot, is kept for 90 days, and has lost no line of a burst",
    reference="NIST SP 800-92 §5; CIS Debian 12; journald.conf(5)",
    severity="high",
)
class JournalIsKept:
    """A break-in is found months later; without the log nobody knows what was read."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        said = sections(snapshot.text("host", "journald"), "Journal")
        faults = []
        if said.get("Storage") != "persistent":
            faults.append(f"Storage={said.get('Storage', 'auto')}")
        if days(said.get("MaxRetentionSec", "")) < LEAST_DAYS:
            faults.append(f"MaxRetentionSec={said.get('MaxRetentionSec', '0')}")
        burst = said.get("RateLimitBurst", "10000")
        if not burst.isdigit() or 0 < int(burst) < LEAST_BURST:
            faults.append(f"RateLimitBurst={burst}")
        lost = snapshot.text("host", "suppressed").strip().splitlines()
        faults += [f"journald: {line}" for line in lost[-1:]]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "LOG-03",
    claim="No password gets into the log",
    reference="NIST SP 800-63B; CWE-532; postconf(5) smtpd_tls_loglevel; Dovecot auth_debug_passwords",
    severity="high",
)
class NoPasswordIsLogged:
    """The log is read by more people, and kept for longer, than any password file."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        said = snapshot.dovecot
        if not said:
            raise NotCollectedError("doveconf shows nothing")
        faults = [
            f"Dovecot: {name} = yes" for name in ("auth_debug_passwords", "auth_debug") if said.get(name) == "yes"
        ]
        if said.get("auth_verbose_passwords", "no") != "no":
            faults.append(f"Dovecot: auth_verbose_passwords = {said['auth_verbose_passwords']}")
        faults += [
            f"Dovecot: {name} = {said[name]}"
            for name in ("mail_debug", "rawlog_dir")
            if said.get(name, "no") not in ("no", "")
        ]
        for name in ("smtpd_tls_loglevel", "smtp_tls_loglevel"):
            if int(snapshot.postfix.value(name)) > 1:
                faults.append(f"Postfix: {name} = {snapshot.postfix.value(name)}")
        if snapshot.postfix.value("debug_peer_list"):
            faults.append(f"Postfix: debug_peer_list = {snapshot.postfix.value('debug_peer_list')}")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "LOG-10",
    claim="Every file is as the last deploy left it",
    reference="CIS Debian 12; ISO/IEC 27001:2022 A.8.9",
    level="strict",
    severity="medium",
    cost="passive",
)
class NothingWasChangedByHand:
    """Other controls know what must be; a change that none of them foresaw is seen here."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        seen = part(snapshot, "drift")
        if not seen["files"]:
            raise NotCollectedError("no file of a deploy was compared")
        told = f"{seen['files']} files of generation {seen['generation']}"
        return holds_unless(seen["changed"], remedy=f"find out who changed it; {REDEPLOY}", seen=told)


@control(
    "LOG-05",
    claim="The kernel writes down who changes mail configuration, keys, doors and accounts",
    reference="CIS Debian 12; NIST SP 800-53 AU-2; auditctl(8)",
    severity="medium",
    needs=("real host",),
)
class ChangesAreAudited:
    """The journal says what programs tell; the audit log says what people did."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        rules = snapshot.text("host", "audit")
        faults = [f"nobody watches {path}" for path in WATCHED if not re.search(rf"{re.escape(path)}/?(\s|$)", rules)]
        return holds_unless(faults, remedy=f"see systemctl status auditd; {REDEPLOY}")
