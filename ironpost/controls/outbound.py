"""TLS on the way out: what this host asks of the servers that it delivers to."""

from __future__ import annotations

import re
from typing import NamedTuple

from ironpost.controls.control import Verdict, control, holds_if, holds_unless, not_applicable
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

LOOPBACK = ("127.0.0.1", "::1")
OUR_LOOKUP = "socketmap:unix:/run/ironpost-tls-policy/socket:postfix"
# What Debian's resolver of MTA-STS policies listens on, in our configuration and in its own.
PAST_DANE = ("/run/mta-sts/", ":8461")
MODERN = ("TLSv1.2", "TLSv1.3")
HOP = re.compile(r"from (\S+) \((\S+) \[(?:IPv6:)?([0-9A-Fa-f:.]+)\]\)")
BY = re.compile(r" by (\S+)")
SPOKEN = re.compile(r"using (\S+) with cipher")
NO_PEER = "no other mail host of the inventory has a probe login to write to; add probe= there"


class Hop(NamedTuple):
    """How this host came to another one of the fleet, as that one wrote it down. `tls` is empty for clear text."""

    hello: str
    client: str
    address: str
    tls: str


def hop(mailhost: MailHost, probes: Probes) -> Hop | None:
    """None where the letter never left the host. Raises NotCollectedError when there is no letter."""
    letter = probes.letters.written
    if letter.mailbox.rpartition("@")[2] in mailhost.domain_names:
        return None
    # The oldest field is about our host: another one of the fleet may have brought the letter on to the mailbox.
    for name, value in reversed(letter.headers):
        line = " ".join(value.split())
        found = HOP.search(line) if name.lower() == "received" else None
        writer = BY.search(line)
        # What this host wrote itself is about its client, and should not have left with the letter (LOG-11).
        if found and not found[3].startswith("127.") and not (writer and writer[1] == mailhost.name):
            spoken = SPOKEN.search(line)
            return Hop(found[1], found[2], found[3], spoken[1] if spoken else "")
    raise NotCollectedError("no Received field of the letter tells how it came")


def setting_faults(snapshot: Snapshot, wanted: dict[str, str]) -> list[str]:
    found = {name: snapshot.postfix.value(name) for name in wanted}
    return [f"{name} = {found[name] or '(empty)'}" for name in wanted if found[name] != wanted[name]]


@control(
    "TLC-01",
    claim="Mail leaves over TLS wherever the other side has it, verified by DANE wherever there are TLSA records",
    reference="RFC 7672 §2; postconf(5) smtp_tls_security_level, smtp_dns_support_level",
    severity="high",
)
class MailLeavesOverTls:
    """Without it every letter to the outside crosses the Internet as a postcard."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        wanted = {
            "smtp_tls_security_level": "dane",
            "smtp_dns_support_level": "dnssec",
            "smtp_host_lookup": "dns",
        }
        return holds_unless(setting_faults(snapshot, wanted), remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        seen = hop(mailhost, probes)
        if seen is None:
            return not_applicable(NO_PEER)
        return holds_if(bool(seen.tls), found="another host of the fleet got a letter in clear text", remedy=REDEPLOY)


@control(
    "TLC-02",
    claim="Mail waits when DANE fails; it is never delivered unverified",
    reference="RFC 7672 §2.1.1, §6; postconf(5) smtp_tls_dane_insecure_mx_policy",
    severity="high",
)
class FailingDaneDefers:
    """An attacker would otherwise only have to show another certificate."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = setting_faults(snapshot, {"smtp_tls_dane_insecure_mx_policy": "dane"})
        services = [name for name in snapshot.postfix.services if snapshot.postfix.services[name] == "smtp"]
        if not services:
            raise NotCollectedError("master.cf has no smtp client")
        for name in services:
            level = snapshot.postfix.service(name)["smtp_tls_security_level"]
            # Between hosts of the fleet the authority of their own vouches, and no record in DNS.
            if level not in ("dane", "dane-only") and (name, level) != ("fleet/unix", "secure"):
                faults.append(f"{name} delivers with smtp_tls_security_level = {level}")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLC-03",
    claim="The host asks its own validating resolver over loopback, which nobody else can ask",
    reference="RFC 7672 §2.1.3; RFC 4035 §4.9; unbound.conf(5) val-permissive-mode",
    severity="high",
)
class ResolverIsOurOwn:
    """Postfix believes the AD bit: whoever can write it can take DANE away."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        servers = re.findall(r"^\s*nameserver\s+(\S+)", snapshot.text("outbound", "resolv.conf"), re.M)
        faults = [f"/etc/resolv.conf names {each}" for each in servers if each not in LOOPBACK]
        if not servers:
            faults.append("/etc/resolv.conf names no resolver")
        if snapshot.text("outbound", "validated") != "yes":
            faults.append("the answer for the root is not validated")
        if snapshot.text("outbound", "permissive").strip() != "no":
            faults.append("val-permissive-mode lets wrong answers pass")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [f"{address}: port 53 is open" for address, seen in probes.each("ports") if 53 in seen["open"]]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLC-04",
    claim="MTA-STS policies of others are honoured, and mail waits while they cannot be looked up",
    reference="RFC 8461 §4, §5; postconf(5) smtp_tls_policy_maps",
    severity="high",
    roles=("submission", "relay"),
)
class PoliciesOfOthersAreHonoured:
    """Half of the large providers publish a policy and no TLSA record."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        if OUR_LOOKUP not in snapshot.postfix.value("smtp_tls_policy_maps"):
            faults.append(f"smtp_tls_policy_maps = {snapshot.postfix.value('smtp_tls_policy_maps') or '(empty)'}")
        states = re.findall(r"^Id=(\S+)\nActiveState=(\S+)|^ActiveState=(\S+)\nId=(\S+)", services(snapshot), re.M)
        if not states:
            raise NotCollectedError("systemctl shows no state of the lookup's services")
        running = {first or fourth: second or third for first, second, third, fourth in states}
        faults += [f"{name} is {state}" for name, state in running.items() if state != "active"]
        said = snapshot.text("outbound", "lookup").strip()
        if said:
            faults.append(f"a lookup fails: {said}")
        return holds_unless(faults, remedy=REDEPLOY)


def services(snapshot: Snapshot) -> str:
    return snapshot.text("outbound", "services")


@control(
    "TLC-05",
    claim="A policy of MTA-STS never takes the place of DANE",
    reference="RFC 8461 §2; postfix-mta-sts-resolver, issue 67",
    severity="high",
)
class DaneGoesFirst:
    """A certificate from any CA would do where the recipient had named the one key that counts."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        maps = snapshot.postfix.value("smtp_tls_policy_maps")
        overrides = {
            name: snapshot.postfix.service(name)["smtp_tls_policy_maps"]
            for name, program in snapshot.postfix.services.items()
            if program == "smtp"
        }
        faults = [
            f"{where} asks the MTA-STS resolver itself ({value})"
            for where, value in {"main.cf": maps, **overrides}.items()
            if any(each in value for each in PAST_DANE)
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "TLC-06",
    claim="No mail leaves over a version of TLS below 1.2",
    reference="RFC 8996; RFC 9325 §3.1.1; postconf(5) smtp_tls_protocols, smtp_tls_mandatory_protocols",
)
class NoOldTlsOnTheWayOut:
    """What is encrypted with a broken version looks safe in the log."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        names = ("smtp_tls_protocols", "smtp_tls_mandatory_protocols")
        found = {name: snapshot.postfix.value(name) for name in names}
        faults = [f"{name} = {value}" for name, value in found.items() if value not in (">=TLSv1.2", ">=TLSv1.3")]
        ciphers = snapshot.postfix.value("smtp_tls_mandatory_ciphers")
        faults += [f"smtp_tls_mandatory_ciphers = {ciphers}"] if ciphers != "high" else []
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        seen = hop(mailhost, probes)
        if seen is None:
            return not_applicable(NO_PEER)
        spoken = seen.tls or "clear text"
        return holds_if(spoken in MODERN, found=f"another host of the fleet was spoken to in {spoken}", remedy=REDEPLOY)


@control(
    "TLC-08",
    claim="No header of a message lowers what is asked of the other side",
    reference="RFC 8689 §5; postconf(5) tls_required_enable",
)
class NoHeaderLowersTls:
    """Whoever writes a letter would decide for the domain that receives it."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        if "tls_required_enable" not in snapshot.postfix.main:
            snapshot.postfix.value("mail_version")  # not collected is something else than not there
            return not_applicable("this version of Postfix knows no such header")
        return holds_unless(setting_faults(snapshot, {"tls_required_enable": "no"}), remedy=REDEPLOY)


@control(
    "TLC-09",
    claim="The host greets with its own name, which leads to the address that it comes from, and back",
    reference="RFC 5321 §4.1.1.1; M3AAWG Sender BCP; postconf(5) smtp_helo_name",
)
class GreetsWithItsOwnName:
    """Large receivers put off or refuse what comes from a host that calls itself something else."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        return holds_unless(setting_faults(snapshot, {"smtp_helo_name": mailhost.name}), remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        seen = hop(mailhost, probes)
        if seen is None:
            return not_applicable(NO_PEER)
        faults = [f"it says EHLO {seen.hello}"] if seen.hello != mailhost.name else []
        if seen.client != mailhost.name:
            faults.append(f"its address {seen.address} leads to the name {seen.client}")
        if seen.address not in mailhost.addresses:
            faults.append(f"it comes from {seen.address}, which is not its address")
        return holds_unless(faults, remedy=f"{REDEPLOY}; see that the pointers lead back")


@control(
    "TLC-10",
    claim="What a server says before TLS has begun is forgotten",
    reference="NO STARTTLS (USENIX Security 2021); postconf(5) smtp_tls_block_early_mail_reply",
)
class EarlyRepliesAreDropped:
    """Somebody on the way could slip in a reply, and mail would be taken for delivered that was not."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        return holds_unless(setting_faults(snapshot, {"smtp_tls_block_early_mail_reply": "yes"}), remedy=REDEPLOY)
