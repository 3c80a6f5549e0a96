"""What is open, and that nothing else is."""

from __future__ import annotations

from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# Port → the programs that may hold it.
DOORS = {25: {"master", "smtpd", "postscreen"}, 465: {"master", "smtpd"}, 587: {"master", "smtpd"}}
DOORS |= {993: {"dovecot", "imap-login"}, 995: {"dovecot", "pop3-login"}}
# Which role has which of them; and, of hosts that share their work, the door for the others of the fleet.
OF_ROLE = {"mx": (25,), "submission": (465, 587), "mailbox": (993, 995)}
OF_FLEET = {"mailbox": 4525, "submission": 4526}
COUNTS = 4528  # where several hosts count together what accounts send
CLEARTEXT = {"imap": (143, {"dovecot", "imap-login"}), "pop3": (110, {"dovecot", "pop3-login"})}
CLEARTEXT |= {"managesieve": (4190, {"dovecot", "managesieve-login"})}
SSH = {"sshd", "systemd"}
# Doors that a stranger finds closed where the inventory has an allowlist for them.
LISTED = {"submission": (465, 587), "imap": (993, 143), "pop3": (995, 110), "managesieve": (4190,)}
ALL_PORTS = 65535


def doors(mailhost: MailHost) -> dict[int, set[str]]:
    """The doors of this mail host's role, SSH apart."""
    own = [port for role, ports in OF_ROLE.items() if role in mailhost.roles for port in ports]
    found = {port: DOORS[port] for port in own} | dict(CLEARTEXT[name] for name in mailhost.cleartext_ports)
    found |= {port: {"master", "smtpd"} for port in fleet_doors(mailhost)}
    found |= {COUNTS: {"python3"}} if mailhost.counts_with else {}
    if "mx" in mailhost.roles and any(domain.mta_sts or domain.autoconfig for domain in mailhost.domains):
        found |= {443: {"nginx"}}
    if mailhost.client_certificates:
        found |= {mailhost.client_certificates.port: {"master"}}
    if any(client.addresses for client in mailhost.relay_clients):
        found |= {2525: {"master"}}
    return found | ({80: {"nginx"}} if getattr(mailhost.certificate, "challenge", None) == "http-01" else {})


def listed_ports(mailhost: MailHost) -> set[int]:
    """Ports that the inventory keeps to an allowlist."""
    return {port for service, ports in LISTED.items() if getattr(mailhost.allow, service) for port in ports}


def fleet_doors(mailhost: MailHost) -> set[int]:
    """Doors for the other hosts of the fleet, which a stranger finds closed."""
    return {port for role, port in OF_FLEET.items() if role in mailhost.roles} if mailhost.inner else set()


@control(
    "FW-01",
    claim="The firewall drops by default, for IPv4 and IPv6 in one table, and nothing is forwarded",
    reference="CIS Debian 12; NIST SP 800-41r1 §2; nft(8)",
    severity="high",
)
class FirewallDropsByDefault:
    """A service that somebody starts by accident stays a private matter."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        chains = [row["chain"] for row in snapshot.nftables if "chain" in row and "hook" in row["chain"]]
        faults = []
        for hook in ("input", "forward"):
            if not any(
                chain["hook"] == hook and chain["family"] == "inet" and chain.get("policy") == "drop"
                for chain in chains
            ):
                faults.append(f"no inet chain at the hook {hook} has the policy drop")
        faults += [
            f"the rule {rule.get('comment', rule['handle'])!r} accepts everything"
            for rule in open_rules(snapshot, chains)
        ]
        for name in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
            if snapshot.sysctl(name) != "0":
                faults.append(f"{name} = {snapshot.sysctl(name)}")
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        seen = dict(probes.each("ports"))
        faults = [
            f"{address}: port {port} is refused, not dropped"
            for address, ports in seen.items()
            for port in ports["refused"]
        ]
        if len({tuple(ports["refused"]) for ports in seen.values()}) > 1:
            faults.append("IPv4 and IPv6 do not answer alike")
        return holds_unless(faults, remedy=REDEPLOY)


def open_rules(snapshot: Snapshot, chains: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rules at the hook input that accept without asking for anything."""
    inputs = {(chain["table"], chain["name"]) for chain in chains if chain["hook"] == "input"}
    rules = [row["rule"] for row in snapshot.nftables if "rule" in row]
    return [
        rule
        for rule in rules
        if (rule["table"], rule["chain"]) in inputs
        and any("accept" in part for part in rule["expr"])
        and not any("match" in part or "vmap" in part for part in rule["expr"])
    ]


@control(
    "FW-02",
    claim="The host listens where its role says, and a stranger finds these doors and no other",
    reference="CIS Debian 12; NIST SP 800-53 CM-7; NIST SP 800-115 §4",
    severity="critical",
)
class OnlyTheDoorsOfTheRole:
    """Every further door is one that nobody watches."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        wanted = doors(mailhost) | {mailhost.ssh.port: SSH, 22: SSH}
        outward = [each for each in snapshot.listeners if not each.is_loopback]
        if not outward:
            raise NotCollectedError("ss shows no listener at all")
        faults = []
        for each in outward:
            who = ", ".join(sorted(each.programs)) or "nobody known"
            if each.protocol == "udp":
                faults.append(f"UDP {each.address}:{each.port} is held by {who}")
            elif each.port not in wanted:
                faults.append(f"{each.address}:{each.port} is held by {who}")
            elif not each.programs & wanted[each.port]:
                faults.append(f"{each.address}:{each.port} is held by {who}, not by the program of this door")
        heard = {each.port for each in outward if each.protocol == "tcp"}
        faults += [f"nothing listens on port {port}" for port in doors(mailhost) if port not in heard]
        return holds_unless(faults, remedy=f"stop what does not belong here; {REDEPLOY}")

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        wanted = set(doors(mailhost)) - fleet_doors(mailhost) - {COUNTS}
        wanted |= set() if mailhost.allow.ssh else {mailhost.ssh.port}
        wanted -= listed_ports(mailhost)
        faults = []
        for address, seen in probes.each("ports"):
            found = set(seen["open"])
            faults += [f"{address}: port {port} is open{probes.why(port)}" for port in sorted(found - wanted)]
            faults += [f"{address}: port {port} is closed{probes.why(port)}" for port in sorted(wanted - found)]
        if probes.has("datagrams"):
            faults += whole_scan(probes)
        return holds_unless(faults, remedy=REDEPLOY)


def whole_scan(probes: Probes) -> list[str]:
    """Of a scan of everything: UDP that answers. Raises NotCollectedError when the host did not see it come."""
    faults, asked = [], 0
    for address, seen in probes.each("datagrams"):
        faults += [f"{address}: UDP port {port} answers{probes.why(port)}" for port in seen["answered"]]
        faults += [f"{address}: UDP port {port} is refused, not dropped" for port in seen["refused"]]
        asked += len(seen["asked"])
    for address, seen in probes.each("ports"):
        if seen["asked"] != ALL_PORTS:
            raise NotCollectedError(f"{address}: only {seen['asked']} ports were tried")
        asked += ALL_PORTS - len(seen["open"]) - len(seen["refused"])
    if probes.raw.get("dropped", 0) < asked:
        raise NotCollectedError(
            f"the host dropped {probes.raw.get('dropped')} packets of {asked}: others were in between"
        )
    return faults
