"""Allowlists: that they are in force as the inventory has them, and grant no more."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless, not_applicable
from ironpost.controls.filter import dports, members, rules_of, verdict_of
from ironpost.controls.tls import REDEPLOY, listed, smtpd
from ironpost.evidence import NotCollectedError
from ironpost.evidence.host import sshd
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# Service of the inventory → its doors, where it has an allowlist.
PORTS = {"submission": (465, 587), "imap": (993, 143), "pop3": (995, 110), "managesieve": (4190,)}
RESTRICTIONS = ("client", "helo", "sender", "relay", "recipient", "data")


def flat(networks: set[Any]) -> set[Any]:
    """Networks as one set of the widest ones, so that two ways to write them are the same."""
    single = [net for each in networks for net in (each if isinstance(each, tuple) else (each,))]
    return {
        net
        for version in (4, 6)
        for net in ipaddress.collapse_addresses(each for each in single if each.version == version)
    }


def in_force(snapshot: Snapshot, table: str, name: str) -> set[Any]:
    return flat(members(snapshot.nftables, table, f"{name}_v4") | members(snapshot.nftables, table, f"{name}_v6"))


def said(networks: tuple[str, ...]) -> set[Any]:
    return flat({ipaddress.ip_network(network) for network in networks})


@control(
    "ALLOW-01",
    claim="SSH answers to the operators' networks and to nobody else, and sshd would refuse others",
    reference="CIS Debian 12; NIST SP 800-123 §4",
    severity="critical",
)
class SshIsForOperators:
    """Whoever cannot knock cannot try a key, nor the next hole in the program that checks it."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        own = [rule for rule in rules_of(snapshot.nftables, "ironpost", "input") if mailhost.ssh.port in dports(rule)]
        if not own:
            raise NotCollectedError(f"no rule speaks of port {mailhost.ssh.port}")
        if not mailhost.allow.ssh:
            return not_applicable("no allowlist for SSH: keys from anywhere, at a limited rate")
        faults = [
            f"the rule {rule.get('comment', rule['handle'])!r} lets others in"
            for rule in own
            if verdict_of(rule) == "accept" and "@ssh_v" not in str(rule["expr"])
        ]
        extra = in_force(snapshot, "ironpost", "ssh") - said(mailhost.allow.ssh)
        faults += [f"the firewall lets {network} in, which is not in allow.ssh" for network in sorted(map(str, extra))]
        return holds_unless([*faults, *second_layer(mailhost, snapshot)], remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        faults = [
            f"{address}: port {mailhost.ssh.port} answers a stranger"
            for address, seen in probes.each("ports")
            if mailhost.ssh.port in seen["open"]
        ]
        if not mailhost.allow.ssh:
            return not_applicable("no allowlist for SSH: keys from anywhere, at a limited rate")
        return holds_unless(faults, remedy=REDEPLOY)


def second_layer(mailhost: MailHost, snapshot: Snapshot) -> Iterator[str]:
    """sshd lets the same networks in, whoever comes (sshd_config(5) AllowUsers)."""
    wanted = {str(network) for network in said(mailhost.allow.ssh)}
    for who in sshd(snapshot):
        lines = [line.split() for line in snapshot.text("sshd", "for", who).lower().splitlines()]
        found = {line[1].rpartition("@")[2] for line in lines if line[:1] == ["allowusers"]}
        if not found:
            yield f"sshd takes {who} from anywhere"
        elif {str(network) for network in said(tuple(found))} != wanted:
            yield f"sshd takes {who} from {', '.join(sorted(found))}"


@control(
    "ALLOW-05",
    claim="Every allowlist in force is the one of the inventory: firewall, bans and Postfix",
    reference="NIST SP 800-53 CM-3, CM-6",
    severity="high",
    cost="passive",
)
class ListsAreThoseOfTheInventory:
    """An entry that somebody added for a day, by hand, stays for years."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = compared("the firewall's ssh", in_force(snapshot, "ironpost", "ssh"), said(mailhost.allow.ssh))
        wanted = said(mailhost.allow.ssh)
        for service, ports in PORTS.items():
            networks = getattr(mailhost.allow, service)
            wanted |= said(networks)
            if networks:
                faults += compared(f"the firewall's {service}", in_force(snapshot, "ironpost", service), said(networks))
                faults += open_besides(snapshot, service, ports)
        extra = in_force(snapshot, "ironpost_bans", "never")
        fleet = said(mailhost.fleet_addresses)
        strangers = {net for net in extra if not covered(net, wanted | fleet) and net.prefixlen < net.max_prefixlen}
        faults += [f"{net} is never banned, and in no allowlist" for net in sorted(map(str, strangers))]
        faults += [
            f"the bans' never lacks {net}" for net in sorted(map(str, wanted)) if not covered_by_text(net, extra)
        ]
        faults += unknown_hosts(mailhost, extra, wanted)
        if mailhost.allow.submission:
            rows = [line.split() for line in snapshot.text("doors", "submission").splitlines() if "DUNNO" in line]
            found = flat({ipaddress.ip_network(row[0]) for row in rows if row[0] not in ("127.0.0.0/8", "::1/128")})
            faults += compared("Postfix's submission", found, said(mailhost.allow.submission))
        return holds_unless(faults, remedy=REDEPLOY)


def compared(what: str, found: set[Any], wanted: set[Any]) -> list[str]:
    more, less = sorted(map(str, found - wanted)), sorted(map(str, wanted - found))
    return [f"{what} list has {network} besides" for network in more] + [f"{what} list lacks {net}" for net in less]


def covered(network: Any, networks: set[Any]) -> bool:
    return any(network.version == other.version and network.subnet_of(other) for other in networks)


def covered_by_text(network: str, networks: set[Any]) -> bool:
    return covered(ipaddress.ip_network(network), networks)


def unknown_hosts(mailhost: MailHost, never: set[Any], wanted: set[Any]) -> list[str]:
    """Single addresses that are never banned must be mail hosts or vantage points of the fleet."""
    known = {ipaddress.ip_network(address) for address in mailhost.fleet_addresses}
    single = {net for net in never if net.prefixlen == net.max_prefixlen}
    return [f"{net} is never banned, and no host of the fleet" for net in single - known if not covered(net, wanted)]


def open_besides(snapshot: Snapshot, service: str, ports: tuple[int, ...]) -> list[str]:
    rules = rules_of(snapshot.nftables, "ironpost", "input")
    return [
        f"a rule lets others than the list {service} in on {sorted(dports(rule) & set(ports))}"
        for rule in rules
        if dports(rule) & set(ports) and verdict_of(rule) == "accept" and f"@{service}_v" not in str(rule["expr"])
    ]


@control(
    "ALLOW-07",
    claim="No table that decides who may do what is a regular expression, or grants everything",
    reference="SMTPD_ACCESS_README; regexp_table(5)",
    cost="passive",
)
class TablesAreExact:
    """`example.com` without anchors also matches example.com.evil.example."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name, service in smtpd(snapshot):
            for kind in RESTRICTIONS:
                text = service[f"smtpd_{kind}_restrictions"]
                tables = re.findall(r"\bcheck_\w*access\s+(\w+):", text)
                faults += [
                    f"{name}: smtpd_{kind}_restrictions asks a table of type {table}"
                    for table in tables
                    if table not in ("cidr", "texthash", "hash", "lmdb", "inline")
                ]
                if kind != "relay" and "permit" in listed(text):
                    faults.append(f"{name}: smtpd_{kind}_restrictions permits everything")
        return holds_unless(faults, remedy=REDEPLOY)
