"""What accounts and machines may send: that it is counted, and over all hosts that send."""

from __future__ import annotations

from ironpost.controls.control import Verdict, control, holds_unless, not_applicable
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

SILENT_SECONDS = 60  # a host that is changed is away for less than that


def told_of_limits(snapshot: Snapshot) -> tuple[dict[str, str], dict[str, str]]:
    """What the running service says is in force; and the other hosts whose counts it adds → seconds since, or never."""
    told = snapshot.text("doors", "sending").removeprefix("action=")
    limits, _, peers = told.partition(" peers ")
    return parted(limits), parted(peers)


def parted(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (word.partition("=") for word in text.split())}


@control(
    "RELAY-08",
    claim="What an account may send in an hour and a day is counted and has an end",
    reference="M3AAWG, compromised accounts; SMTPD_POLICY_README",
    severity="high",
    cost="passive",
)
class SendingHasALimit:
    """A stolen password sends as much as it can, and the host is on every blocklist by the evening."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name in ("submissions/inet", "submission/inet"):
            rules = snapshot.postfix.service(name)["smtpd_recipient_restrictions"]
            if "check_policy_service" not in rules or "ironpost-sending.sock" not in rules:
                faults.append(f"{name}: recipients are not counted")
        value, _ = told_of_limits(snapshot)
        for what, most in (("hour", 5000), ("day", 20000), ("first", 5000)):
            if not 0 < int(value.get(what, 0)) <= most:
                faults.append(f"recipients ({what}): {value.get(what)}")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "RELAY-12",
    claim="Hosts that send for the same domains count together, and hear each other at least once a minute",
    reference="M3AAWG, compromised accounts; ironpost docs/decisions/0009",
    cost="passive",
    roles=("submission", "relay"),
)
class HostsCountTogether:
    """Where each counts by itself, a stolen password sends as many times as much as there are hosts."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        limits, heard = told_of_limits(snapshot)
        if "hour" not in limits:
            raise NotCollectedError("the service that counts does not say what is in force", "doors")
        if not mailhost.counts_with:
            return not_applicable("no other host of the fleet sends for a domain of this one")
        faults = []
        for member in mailhost.counts_with:
            since = heard.get(member.name, "never")
            if not since.isdigit():
                faults.append(f"{member.name} was never heard")
            elif int(since) > SILENT_SECONDS:
                faults.append(f"{member.name} was last heard {since} s ago")
        remedy = f"see journalctl -u ironpost-counts on both hosts, and that port 4528 is open between them; {REDEPLOY}"
        return holds_unless(faults, remedy=remedy, seen=f"heard: {', '.join(heard)}")
