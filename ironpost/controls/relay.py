"""Who may send through the host to somewhere else: nobody but those who logged in."""

from __future__ import annotations

from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.smtp import LOOPBACK
from ironpost.controls.tls import REDEPLOY, listed, smtpd
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

SUBMISSION = ("submissions/inet", "submission/inet")
SUBMISSION_PORTS = (465, 587)
SUBMISSION_NETWORKS = "check_client_access cidr:/etc/postfix/submission_access,"
# Besides refusals only these may stand in smtpd_relay_restrictions: a table that says OK is a relay for whom it names.
GRANTS = ("permit_mynetworks", "permit_sasl_authenticated", "reject")

# What the port of machines with a certificate, and the one of those known by address, must be told, word for word.
MACHINES = {
    "certificate": ["check_ccert_access", "texthash:/etc/postfix/client_certificates", "reject"],
    "address": ["check_client_access", "cidr:/etc/postfix/relay_clients", "reject"],
}
ADDRESS_PORT = 2525
# What the ports of the fleet must be told: whoever has a certificate of its authority, which is asked of everyone.
FLEET = ["permit_tls_all_clientcerts", "reject"]
# What the door of forwarded mail must be told: addresses of the inventory, and answers of Sieve rules, from the null
# sender. It is on loopback (FWD-01).
FORWARDED = ["check_recipient_access", "texthash:/etc/postfix/forward_destinations"]
FORWARDED += ["check_sender_access", "inline:{", "{<>", "=", "OK}", "}", "reject"]
FORWARD_DOOR = "127.0.0.1:4527/inet"


def machine_services(mailhost: MailHost) -> dict[str, list[str]]:
    """Services of master.cf for machines of the inventory, each with its only relay restrictions."""
    found = {}
    if mailhost.client_certificates:
        found[f"{mailhost.client_certificates.port}/inet"] = MACHINES["certificate"]
    if any(client.addresses for client in mailhost.relay_clients):
        found[f"{ADDRESS_PORT}/inet"] = MACHINES["address"]
    return found


def fleet_services(mailhost: MailHost) -> dict[str, list[str]]:
    """Services for the other hosts of the fleet, each with its only relay restrictions."""
    doors = {"mailbox": "4525/inet", "submission": "4526/inet"} if mailhost.inner else {}
    return {name: FLEET for role, name in doors.items() if role in mailhost.roles}


def inner_services(mailhost: MailHost) -> dict[str, list[str]]:
    """Services for this host itself, each with its only relay restrictions."""
    return {FORWARD_DOOR: FORWARDED} if mailhost.forwards else {}


def plain_attempts(probes: Probes) -> list[tuple[str, int, str]]:
    """(address, code, text) of the simplest attempt, user@elsewhere, with the null sender."""
    found = []
    for address, attempts in probes.each("relay"):
        first = next((each for each in attempts if each["sender"] == ""), None)
        if first is None:
            raise NotCollectedError(f"{address}: relaying was not tried with the null sender")
        found.append((address, first["reply"][0], first["reply"][1]))
    return found


@control(
    "RELAY-01",
    claim="The host is no open relay, whatever way the recipient is written",
    reference="RFC 2505 §2.1; RFC 5068; postconf(5) smtpd_relay_restrictions",
    severity="critical",
)
class NoOpenRelay:
    """An open relay is found within hours and on every blocklist within days."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name, service in smtpd(snapshot):
            rules = listed(service["smtpd_relay_restrictions"])
            if rules == (machine_services(mailhost) | inner_services(mailhost)).get(name):
                continue
            if rules == fleet_services(mailhost).get(name) and service["smtpd_tls_req_ccert"] == "yes":
                continue
            granted = [rule for rule in rules if not rule.startswith("reject_") and rule not in GRANTS]
            if granted or not rules or rules[-1] not in ("reject_unauth_destination", "reject"):
                faults.append(f"{name}: smtpd_relay_restrictions = {service['smtpd_relay_restrictions']!r}")
            if service["allow_untrusted_routing"] != "no":
                faults.append(f"{name}: allow_untrusted_routing = {service['allow_untrusted_routing']}")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{address}: RCPT TO:<{each['recipient']}> from <{each['sender']}> gets {each['reply'][0]}"
            for address, attempts in probes.each("relay")
            for each in attempts
            if not refused(each)
        ]
        return holds_unless(faults, remedy=REDEPLOY)


def refused(attempt: dict[str, Any]) -> bool:
    code: int = attempt["reply"][0]
    return code >= 400


@control(
    "RELAY-02",
    claim="Relaying is refused for good (554), not put off",
    reference="RFC 5321 §4.2.1; SMTPD_ACCESS_README; postconf(5) relay_domains_reject_code",
)
class RelayRefusalIsFinal:
    """Debian's default answers 454: the spammer comes back, and honest mistakes stay in queues for days."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name, service in smtpd(snapshot):
            for setting in ("smtpd_relay_restrictions", "smtpd_recipient_restrictions"):
                if "defer_unauth_destination" in listed(service[setting]):
                    faults.append(f"{name}: {setting} has defer_unauth_destination")
            if service["relay_domains_reject_code"] != "554":
                faults.append(f"{name}: relay_domains_reject_code = {service['relay_domains_reject_code']}")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{address}: relaying gets {code} {text}" for address, code, text in plain_attempts(probes) if code != 554
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "RELAY-03",
    claim="Only the host itself is trusted by its address (mynetworks)",
    reference="RFC 2505; postconf(5) mynetworks",
    severity="high",
)
class OnlyLoopbackIsTrusted:
    """Left to itself Postfix can trust the whole neighbourhood of a rented server."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [
            f"{name}: mynetworks holds {network}"
            for name, service in smtpd(snapshot)
            for network in listed(service["mynetworks"])
            if not LOOPBACK.fullmatch(network)
        ]
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{address}: {source} may relay ({code} {text})"
            for address, code, text in plain_attempts(probes)
            for source in probes.raw["sources"][:1]
            if code < 400
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "RELAY-04",
    claim="On the submission ports nobody sends without a login, not even the host itself",
    reference="RFC 6409 §4.3; RFC 5068 §3.1; postconf(5) smtpd_relay_restrictions",
    severity="critical",
)
class SubmissionNeedsLogin:
    """A web form on the same machine would otherwise send as anybody."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name in SUBMISSION:
            service = snapshot.postfix.service(name)
            for setting in ("smtpd_relay_restrictions", "smtpd_client_restrictions"):
                # a table of networks may stand in front: what it lets pass still has to log in (ALLOW-07)
                asked = listed(service[setting].removeprefix(SUBMISSION_NETWORKS))
                if asked != ["permit_sasl_authenticated", "reject"]:
                    faults.append(f"{name}: {setting} = {service[setting]!r}")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = []
        for port in SUBMISSION_PORTS:
            for address, seen in probes.each(f"smtp/{port}"):
                if "replies_tls" not in seen:
                    raise NotCollectedError(f"{address} port {port}: {seen.get('tls_problem')}")
                for label, whom in (("RCPT", "a stranger"), ("RCPT here", "us")):
                    code, text = seen["replies_tls"][label]
                    if code < 500:
                        faults.append(f"{address} port {port}: RCPT to {whom} without login gets {code} {text}")
        return holds_unless(faults, remedy=REDEPLOY)
