"""Guessed and stolen passwords: how slowly one can try, what a refusal tells, and whether a password is enough."""

from __future__ import annotations

import re

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.relay import SUBMISSION
from ironpost.controls.smtp import LOOPBACK
from ironpost.controls.tls import REDEPLOY, dovecot_value, listed
from ironpost.controls.walls import NEEDED
from ironpost.evidence import NotCollectedError
from ironpost.evidence.host import part
from ironpost.evidence.snapshot import Snapshot
from ironpost.evidence.told import Told
from ironpost.mailhost import MailHost

LEAST_DELAY, MOST_TRIES = 2, 120  # seconds before a refusal; logins a minute and address


def delay(snapshot: Snapshot) -> int:
    """Seconds that a refusal waits (doveconf auth_failure_delay)."""
    value = dovecot_value(snapshot, "auth_failure_delay", "auth_failure_delay", "2 secs")
    found = re.match(r"(\d+)\s*(s|sec|secs|seconds?)?$", value)
    return int(found[1]) if found else 0


@control(
    "AUTH-07",
    claim="Guessing is slow on every port, and who bans guessers reads the log of the unit that Postfix really is",
    reference="NIST SP 800-63B-4 §3.2.2; postconf(5) smtpd_client_auth_rate_limit; fail2ban journalmatch",
    severity="high",
    cost="passive",
    roles={"submission", "mailbox"},
)
class GuessingIsSlow:
    """Debian 12's own filter looks at a unit that logs nothing: everything is green, and nobody is ever banned."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        if delay(snapshot) < LEAST_DELAY:
            faults.append(f"Dovecot: auth_failure_delay = {snapshot.dovecot.get('auth_failure_delay')}")
        for name in SUBMISSION if "submission" in mailhost.roles else ():
            service = snapshot.postfix.service(name)
            tries = service["smtpd_client_auth_rate_limit"]
            faults += [f"{name}: {tries} logins a minute"] * (not 0 < int(tries) <= MOST_TRIES)
            exempt = [each for each in listed(service["smtpd_client_event_limit_exceptions"]) if not own(each)]
            faults += [f"{name}: no limit holds for {each}" for each in exempt]
        read = snapshot.text("doors", "read by bans")
        release = part(snapshot, "release")
        if release not in NEEDED:
            raise NotCollectedError(f"the release {release!r} is not known")
        wanted = NEEDED[release] | {"dovecot.service"}
        faults += [f"bans do not read the log of {unit}" for unit in wanted if f"_SYSTEMD_UNIT={unit}" not in read]
        return holds_unless(faults, remedy=REDEPLOY)


def own(network: str) -> bool:
    return LOOPBACK.fullmatch(network) is not None


@control(
    "AUTH-08",
    claim="An unknown name, a wrong password and a disabled account are refused alike, and equally late",
    reference="CWE-204; NIST SP 800-63B-4 §3.2; doveconf auth_cache_size, auth_failure_delay",
    cost="passive",
    roles={"submission", "mailbox"},
)
class RefusalsTellNothing:
    """Whoever learns which names exist guesses passwords for those alone, and writes to them."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        said = snapshot.dovecot
        text = snapshot.text("dovecot")
        if not re.search(r"^passdb ", text, re.M):
            raise NotCollectedError("doveconf shows no passdb")
        faults = []
        if delay(snapshot) < LEAST_DELAY:  # it covers the time that a hash takes, and a name without one does not
            faults.append(f"Dovecot: auth_failure_delay = {said.get('auth_failure_delay')}")
        kept, negative = said.get("auth_cache_size", "0"), said.get("auth_cache_negative_ttl", "1 hours")
        if not kept.startswith("0") and not negative.startswith("0"):
            faults.append(f"Dovecot remembers names that do not exist: auth_cache_size = {kept}")
        faults += ["Dovecot tells a reason with a refusal"] * bool(
            re.search(r"^\s*(?:fields?\b.*)?reason\s*=", text, re.M)
        )
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "AUTH-12",
    claim="No account is opened by its password alone on a mail port",
    reference="NIST SP 800-63B-4 §2.2 (AAL2); NCSC, Multi-factor authentication",
    level="strict",
    severity="high",
    cost="passive",
    roles={"submission", "mailbox"},
)
class APasswordIsNotEnough:
    """People use one password in many places, and one of these loses it; an app password is of no use elsewhere."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        rows = snapshot.passwords
        faults = [f"{row['user']}: the password in the file opens the mailbox" for row in rows if not row["locked"]]
        return holds_unless(faults, remedy="write second_factor = required for that account, and deploy")

    def inventory(self, mailhost: MailHost, told: Told) -> Verdict:
        opened = (each for each in mailhost.accounts if mailhost.passwords_of(each) == "all")
        alone = [each.address for each in opened if not (each.disabled or each.second_factor)]
        return holds_unless(
            (f"{address} needs no second factor" for address in alone),
            remedy="give it an app password (`ironpost user app-password`), then write second_factor = required",
        )
