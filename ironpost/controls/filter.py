"""The packet filter in detail, and bans: that the rules stay, what leaves, how often one may knock."""

from __future__ import annotations

import ipaddress
import json
from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY, ports_of
from ironpost.evidence import NotCollectedError
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

LEAST_PER_MINUTE = 120  # internet.nl and its like open up to 122 connections, and report "no TLS" when they are cut off
LIMITED = (25, 465, 587, 993, 995)
MAIL_PORTS = (25, 465, 587)


def rules_of(rows: list[dict[str, Any]], table: str, chain: str) -> list[dict[str, Any]]:
    """The rules of one chain, in order, in words that libnftables-json(5) explains."""
    rules = [row["rule"] for row in rows if "rule" in row]
    return [rule for rule in rules if (rule["table"], rule["chain"]) == (table, chain)]


def dports(rule: dict[str, Any]) -> set[int]:
    """The TCP destination ports that a rule asks for."""
    for part in rule["expr"]:
        match = part.get("match", {})
        if match.get("left") == {"payload": {"protocol": "tcp", "field": "dport"}}:
            right = match["right"]
            found = right.get("set", []) if isinstance(right, dict) else [right]
            return {port for port in found if isinstance(port, int)}
    return set()


def verdict_of(rule: dict[str, Any]) -> str:
    """accept, drop or reject."""
    return next((name for part in rule["expr"] for name in ("accept", "drop", "reject") if name in part), "")


def members(rows: list[dict[str, Any]], table: str, name: str) -> set[Any]:
    """The networks in a set."""
    for row in rows:
        found = row.get("set", {})
        if (found.get("table"), found.get("name")) == (table, name):
            return {network_of(element) for element in found.get("elem", [])}
    return set()


def network_of(element: Any) -> Any:
    if isinstance(element, dict) and "elem" in element:
        element = element["elem"]["val"]
    if isinstance(element, dict) and "prefix" in element:
        element = f"{element['prefix']['addr']}/{element['prefix']['len']}"
    if isinstance(element, dict) and "range" in element:
        first, last = map(ipaddress.ip_address, element["range"])
        return tuple(ipaddress.summarize_address_range(first, last))
    return ipaddress.ip_network(element)


def still(value: Any) -> Any:
    """Without counters and handles, which differ between two loads of one file."""
    if isinstance(value, list):
        return [still(each) for each in value]
    if isinstance(value, dict):
        return {key: still(each) for key, each in value.items() if key not in ("handle", "packets", "bytes")}
    return value


def unit_states(snapshot: Snapshot) -> dict[str, dict[str, str]]:
    """Unit → its properties."""
    blocks = snapshot.text("doors", "units").strip().split("\n\n")
    rows = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in blocks]
    return {row["Id"]: row for row in rows if "Id" in row}


@control(
    "FW-03",
    claim="The rules in force are those of the file that the host loads when it boots",
    reference="CIS Debian 12; nft(8)",
    severity="high",
    cost="passive",
)
class RulesSurviveBoot:
    """A rule that somebody typed is gone after the next boot, and so is a firewall that nobody enabled."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        filed = json.loads(snapshot.text("doors", "file"))["nftables"]
        faults = []
        for table, chain in (("ironpost", "input"), ("ironpost", "output"), ("ironpost_bans", "input")):
            wanted, found = (rules_of(rows, table, chain) for rows in (filed, snapshot.nftables))
            if not wanted or still(wanted) != still(found):
                faults.append(f"the rules of {table} {chain} are not those of /etc/nftables.conf")
        state = unit_states(snapshot).get("nftables.service", {}).get("UnitFileState")
        if state != "enabled":
            faults.append(f"nftables.service is {state}: nothing loads the rules at boot")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "FW-05",
    claim="Only Postfix reaches the mail ports of other hosts",
    reference="RFC 5068 §4; M3AAWG, Managing Port 25",
    severity="high",
    cost="passive",
)
class OnlyPostfixSends:
    """What breaks in somewhere wants to send mail before anything else."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        tried = [line.split() for line in snapshot.text("doors", "outgoing").splitlines()]
        if {int(port) for _, port, _ in tried} != set(MAIL_PORTS):
            raise NotCollectedError("no connection could be tried: the host has no address with a network")
        faults = [
            f"another user's connection from {address} to port {port} is not refused at once ({how})"
            for address, port, how in tried
            if how != "ConnectionRefusedError"
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "FW-06",
    claim="Nothing leaves the host but what its work needs, each under the user that does that work",
    reference="NIST SP 800-41r1 §4; CIS Debian 12; nft(8) meta skuid",
    level="strict",
    severity="medium",
    cost="passive",
)
class NothingElseLeaves:
    """What breaks in fetches its tools first, and takes home what it found last."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        chains = [row["chain"] for row in snapshot.nftables if row.get("chain", {}).get("hook") == "output"]
        faults = []
        if not any(chain["family"] == "inet" and chain.get("policy") == "drop" for chain in chains):
            faults.append("no inet chain at the hook output has the policy drop")
        tried = [line.split() for line in snapshot.text("doors", "leaving").splitlines()]
        if not tried:
            raise NotCollectedError("no connection could be tried: the host has no address with a network")
        faults += [
            f"a user without work reaches {address} on port {port} ({how})"
            for address, port, how in tried
            if how != "ConnectionRefusedError"
        ]
        return holds_unless(faults, remedy='write outgoing="needed" for this host, and deploy')


@control(
    "FW-07",
    claim="No source connects as often as it likes, and none is cut off below 120 connections a minute",
    reference="RFC 4732; nft(8), SET STATEMENT",
    cost="passive",
)
class KnockingIsLimited:
    """Without a limit one source takes every place; with a strict one, tests of mail servers report "no TLS"."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        rules = rules_of(snapshot.nftables, "ironpost", "input")
        faults = []
        for port in LIMITED:
            own = [rule for rule in rules if port in dports(rule)]
            rates = [rate for rule in own for rate in limits(rule)]
            open_to_all = any(verdict_of(rule) == "accept" and len(rule["expr"]) <= 3 for rule in own)
            if open_to_all and len(rates) < 2:
                faults.append(f"port {port} has no limit for each address of IPv4 and each /64 of IPv6")
            faults += [f"port {port}: {rate:.0f} a minute" for rate in rates if rate < LEAST_PER_MINUTE]
        return holds_unless(faults, remedy=REDEPLOY)


def limits(rule: dict[str, Any]) -> list[float]:
    """How many packets a minute each member of a dynamic set may send, as the rule has it."""
    seconds = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
    statements = [
        each for part in rule["expr"] for each in part.get("set", {}).get("stmt", []) if isinstance(part, dict)
    ]
    return [
        60.0 * each["limit"]["rate"] / seconds[each["limit"]["per"]]
        for each in statements
        if each.get("limit", {}).get("inv")
    ]


@control(
    "FW-08",
    claim="What path MTU discovery and neighbours need gets in; forged and stray packets do not",
    reference="RFC 4890 §4.3; RFC 8201; RFC 3704 §2.2",
    cost="passive",
)
class IcmpWorks:
    """Without packet-too-big small letters arrive and large ones hang, and nobody knows why."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        rules = rules_of(snapshot.nftables, "ironpost", "input")
        accepted = " ".join(str(rule["expr"]) for rule in rules if verdict_of(rule) == "accept")
        dropped = " ".join(str(rule["expr"]) for rule in rules if verdict_of(rule) == "drop")
        wanted = ("packet-too-big", "destination-unreachable", "nd-neighbor-solicit", "nd-neighbor-advert")
        faults = [f"no rule accepts {kind}" for kind in wanted if f"'{kind}'" not in accepted]
        faults += [f"no rule drops {what}" for what, word in DROPPED.items() if word not in dropped]
        return holds_unless(faults, remedy=REDEPLOY)


DROPPED = {"packets of no connection": "'invalid'", "forged sources": "'fib'"}


@control(
    "FW-09",
    claim="One program writes firewall rules, and one bans those who guess passwords",
    reference="CIS Debian 12; fail2ban(1); NIST SP 800-63B-4 §3.2.2",
    severity="high",
    cost="passive",
)
class GuessersAreBanned:
    """Ten thousand guesses a day against every account find the one weak password."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [f"{name} is installed, which writes rules too" for name in snapshot.text("doors", "managers").split()]
        state = unit_states(snapshot).get("fail2ban.service", {})
        if state.get("ActiveState") != "active":
            return holds_unless([*faults, f"fail2ban.service is {state.get('ActiveState')}"], remedy=REDEPLOY)
        jails = snapshot.text("doors", "jails")
        wanted = ["ironpost-known", "ironpost-logins", *([] if mailhost.allow.ssh else ["ironpost-ssh"])]
        faults += [f"no jail {name} is running" for name in wanted if name not in jails]
        drops = [rule for rule in rules_of(snapshot.nftables, "ironpost_bans", "input") if verdict_of(rule) == "drop"]
        shut = set().union(*(dports(rule) for rule in drops)) if drops else set()
        faults += [f"a ban leaves port {port} open" for port in ports_of(mailhost) if port != 25 and port not in shut]
        return holds_unless(faults, remedy=REDEPLOY)
