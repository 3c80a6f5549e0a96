"""What a letter leaves behind: enough in the log to follow it, and nothing of its author's machine in the letter."""

from __future__ import annotations

import ipaddress
import re

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.relay import SUBMISSION
from ironpost.controls.tls import REDEPLOY, smtpd
from ironpost.evidence import NotCollectedError
from ironpost.evidence.letters import Letter
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

ADDRESS = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]+)\]")
# A long queue id: ten of time to the microsecond, z, and the inode; all without vowels (postconf(5)
# enable_long_queue_ids).
LONG_ID = re.compile(r"\bid [0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,}z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]+\b")
PENS = {"x-originating-ip", "x-sender-ip", "x-client-ip", "user-agent", "x-mailer"}


def received(letter: Letter, server: str) -> list[str]:
    """The Received fields that this server's Postfix wrote."""
    fields = [" ".join(value.split()) for name, value in letter.headers if name.lower() == "received"]
    return [field for field in fields if re.search(rf"\bby {re.escape(server)} \(Postfix\)", field)]


@control(
    "LOG-02",
    claim="Each letter can be followed by one word: where from, as whom, over which TLS, where to, and with what reply",
    reference="RFC 6302 §2; RFC 8314 §4.3; NIST SP 800-45 §6; postconf(5) smtpd_client_port_logging",
    cost="active",
    roles={"mx"},
)
class LettersCanBeFollowed:
    """Behind one address of a provider stand thousands of customers: without the port nobody finds the one."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name, service in smtpd(snapshot):
            wanted = {"smtpd_client_port_logging": "yes", "smtpd_tls_received_header": "yes"}
            faults += [f"{name}: {key} = {service[key]}" for key, value in wanted.items() if service[key] != value]
            faults += [f"{name}: smtpd_tls_loglevel = 0"] * (service["smtpd_tls_loglevel"] == "0")
        for key, bad in (("smtp_tls_loglevel", "0"), ("enable_long_queue_ids", "no")):
            faults += [f"{key} = {bad}"] * (snapshot.postfix.value(key) == bad)
        said = snapshot.dovecot
        if not said:
            raise NotCollectedError("doveconf shows nothing")
        if said.get("auth_verbose") != "yes":
            faults.append(f"Dovecot: auth_verbose = {said.get('auth_verbose', 'no')}")
        elements = said.get("login_log_format_elements", "rip=")
        faults += ["Dovecot does not log where a login came from"] * (
            "rip" not in elements and "remote_ip" not in elements
        )
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        fields = received(probes.letters.forged, mailhost.name)
        if not fields:
            return holds_unless(["a letter from outside arrives without our Received field"], remedy=REDEPLOY)
        faults = [
            f"no queue id that stays its own: {field[-80:]}" for field in fields[-1:] if not LONG_ID.search(field)
        ]
        faults += ["a letter does not tell which address it came from"] * (not ADDRESS.search(fields[-1]))
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "LOG-11",
    claim="A submitted letter tells its recipients neither the address nor the program of its author's machine",
    reference="RFC 6409 §8; RFC 5321 §4.4; GDPR Art. 25; header_checks(5)",
    cost="active",
    roles={"submission"},
)
class AuthorsAreNotTraced:
    """Where somebody sits while writing is nobody's business; with it begins the attack on the machine at home."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name in SUBMISSION:
            service = snapshot.postfix.service(name)
            cleanup = f"{service['cleanup_service_name']}/unix"
            if service.get("smtpd_hide_client_session") == "yes":
                continue
            checks = snapshot.postfix.service(cleanup)["header_checks"]
            faults += [f"{name}: {cleanup} takes nothing away (header_checks is empty)"] * (not checks)
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        letter = probes.letters.written
        own = {ipaddress.ip_address(address) for address in mailhost.fleet_addresses}
        faults = [f"a letter that was submitted says {name}" for name, _ in letter.headers if name.lower() in PENS]
        fields = received(letter, mailhost.name)
        if not fields:
            faults.append("a letter that was submitted has no Received field of this host (RFC 5321 §4.4)")
        for field in fields:
            told = [ipaddress.ip_address(each) for each in ADDRESS.findall(field)]
            faults += [
                f"a letter tells that it was written at {each}"
                for each in told
                if not (each in own or each.is_loopback)
            ]
        return holds_unless(faults, remedy=REDEPLOY)
