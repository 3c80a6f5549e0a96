"""Exceptions for some senders or networks, and where they must end."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any

from ironpost.controls.allowlists import PORTS, flat, in_force
from ironpost.controls.control import Verdict, control, holds_unless, not_applicable
from ironpost.controls.filter import members
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.host import part
from ironpost.evidence.letters import Letter
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.evidence.told import Told
from ironpost.mailhost import MailHost

WIDEST = {4: 24, 6: 48}
ASKING = ("quarantine", "reject")
# Symbols without which a forgery is not seen; lists of reputation may be passed over.
NEVER_OFF = re.compile(r"(DMARC|R_SPF|R_DKIM|FROM_NOT_ONCE|LIST_HEADER|CLAM|.*VIRUS)", re.I)
REPUTATION = {"rbl", "surbl", "reputation", "fuzzy"}
PASSED = ("accept", "no action")


@control(
    "ALLOW-02",
    claim="Whoever is connected by SSH is in the allowlist in force, and no change waits for its confirmation",
    reference="NIST SP 800-53 CM-3; ss(8)",
    severity="high",
    cost="passive",
)
class OperatorsAreLetInAgain:
    """A session that is open outlives the rule that let it in: who closes it finds the door shut, operator or not."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        phase = part(snapshot, "drift", "phase")
        faults = [f"a change waits since it was switched to (phase {phase})"] * (phase != "settled")
        peers = connected(snapshot.text("doors", "sessions"), mailhost.ssh.port)
        if not peers:
            raise NotCollectedError("no session of SSH was seen, not even the one that looks")
        if mailhost.allow.ssh:
            listed = in_force(snapshot, "ironpost", "ssh")
            faults += [
                f"{peer} is connected by SSH, and is in no allowlist" for peer in peers if not within(peer, listed)
            ]
        return holds_unless(faults, remedy=f"see who that is (who(1), journalctl -u ssh); {REDEPLOY}")


def connected(shown: str, port: int) -> list[str]:
    """The addresses of whoever is connected to that port; `ss` shows local and peer in the last two columns."""
    rows = [line.split()[-2:] for line in shown.splitlines() if len(line.split()) >= 4]
    peers = {peer.rpartition(":")[0].strip("[]") for local, peer in rows if local.rpartition(":")[2] == str(port)}
    return sorted(peer.removeprefix("::ffff:").partition("%")[0] for peer in peers)


def within(address: str, networks: set[Any]) -> bool:
    found = ipaddress.ip_address(address)
    return found.is_loopback or any(found in network for network in networks if network.version == found.version)


@control(
    "ALLOW-03",
    claim="No entry of an allowlist has outlived its day; at strict each has a reason, an owner and a day",
    reference="ISO/IEC 27001:2022 A.5.15, A.5.18; NIST SP 800-53 AC-2",
    cost="passive",
)
class GrantsHaveAnEnd:
    """The office moved, the contractor left, and the network belongs to somebody else now."""

    def inventory(self, mailhost: MailHost, told: Told) -> Verdict:
        over = [each for each in mailhost.allow.granted if each.until < told.today]
        return holds_unless(
            (f"{each.network} was granted until {each.until} ({each.owner}: {each.reason})" for each in over),
            remedy="take it from the list and deploy, or have its owner decide anew",
        )

    def strict_inventory(self, mailhost: MailHost, told: Told) -> Verdict:
        explained = {each.network for each in mailhost.allow.granted}
        listed = {network for name in ("ssh", *PORTS) for network in getattr(mailhost.allow, name)}
        return holds_unless(
            (f"nobody answers for {network}" for network in sorted(listed - explained)),
            remedy="write Granted(network=…, reason=…, owner=…, until=…) in granted= of allow",
        )


@control(
    "ALLOW-04",
    claim="No allowlist in force holds a network wider than /24 or /48 that was not meant, and none holds everyone",
    reference="NIST SP 800-53 AC-6; nft(8), SETS",
    severity="high",
    cost="passive",
)
class ListsAreNarrow:
    """What is wider is a whole provider, and the next attacker rents a machine there."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        meant = {ipaddress.ip_network(network) for network in mailhost.allow.wide}
        faults, seen = [], 0
        for table, names in (("ironpost", ("ssh", *PORTS)), ("ironpost_bans", ("never",))):
            for name in (f"{each}_v{version}" for each in names for version in (4, 6)):
                seen += sum((row.get("set", {}).get("table"), row.get("set", {}).get("name")) == (table, name)
                            for row in snapshot.nftables)  # fmt: skip
                found = flat(members(snapshot.nftables, table, name))
                faults += [
                    f"{name} of {table} holds {net}"
                    for net in sorted(found, key=str)
                    if net.prefixlen < WIDEST[net.version] and (net not in meant or net.prefixlen == 0)
                ]
        if not seen:
            raise NotCollectedError("no allowlist was seen in the firewall")
        return holds_unless(faults, remedy=f"name the networks themselves, or write them in wide= too; {REDEPLOY}")


@control(
    "ALLOW-06",
    claim="No sender is excepted from the checks on forgery and malware; at most from lists of reputation",
    reference="M3AAWG, sender reputation; rspamd settings, multimap, force_actions, options local_addrs",
    severity="high",
    cost="passive",
    roles={"mx"},
)
class FriendsAreCheckedToo:
    """An exception that helped one partner once is what everybody uses who claims to be that partner."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = [fault for name, rule in rules(snapshot) for fault in passes(name, rule)]
        faults += [
            f"rspamd: force_actions: {name} lets pass"
            for name, rule in snapshot.rspamd("force_actions").get("rules", {}).items()
            if isinstance(rule, dict) and rule.get("action") in PASSED
        ]
        for name, rule in snapshot.rspamd("multimap").items():
            if isinstance(rule, dict) and (rule.get("action") in PASSED or rule.get("prefilter")):
                faults.append(f"rspamd: multimap: {name} decides before the checks")
        local = snapshot.rspamd("options").get("local_addrs", [])
        local = [local] if isinstance(local, str) else local
        faults += [f"rspamd: {each} counts as this machine" for each in local if not is_loopback(each)]
        return holds_unless(faults, remedy=REDEPLOY)


def rules(snapshot: Snapshot) -> Iterator[tuple[str, dict[str, Any]]]:
    """rspamd's rules for some letters, but for those of who has logged in and of this machine itself."""
    for name, rule in snapshot.rspamd("settings").items():
        if not isinstance(rule, dict):
            continue
        places = rule.get("ip", [])
        places = [places] if isinstance(places, str) else places
        if rule.get("authenticated") or (places and all(map(is_loopback, places))):
            continue
        yield name, rule


def is_loopback(network: str) -> bool:
    try:
        return ipaddress.ip_network(network).is_loopback
    except ValueError:
        return False


def passes(name: str, rule: dict[str, Any]) -> list[str]:
    """What this rule excepts its letters from, that nobody may be excepted from."""
    apply = rule.get("apply", {})
    both = rule | (apply if isinstance(apply, dict) else {})
    faults = [
        f"rspamd: settings: {name} passes everything ({word})" for word in ("want_spam", "whitelist") if both.get(word)
    ]
    actions = both.get("actions", {})
    if "actions" in both and (not isinstance(actions, dict) or actions.get("reject", 0) is None):
        faults.append(f"rspamd: settings: {name} is never refused")
    off = [str(each) for each in both.get("symbols_disabled", []) if NEVER_OFF.match(str(each))]
    off += [str(each) for each in both.get("groups_disabled", []) if each not in REPUTATION]
    return faults + [f"rspamd: settings: {name} is not checked for {', '.join(off)}"] * bool(off)


@control(
    "RELAY-09",
    claim="A stranger who writes in the name of a hosted domain is refused, or filed as junk where a list may do so",
    reference="RFC 9989 §7.4; RFC 7208 §8.4; M3AAWG, email authentication",
    severity="high",
    roles={"mx"},
)
class OwnNamesAreNotForged:
    """A letter from the head of the firm, asking for a transfer, is believed most when it has its own domain."""

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        if mailhost.domains[0].dmarc_policy not in ASKING:
            return not_applicable(f"{mailhost.main_domain} does not ask for it (DMARC p=none)")
        claimed = probes.letters.claimed
        faults = []
        if isinstance(claimed, Letter) and claimed.folder.lower() != "junk":
            faults.append(f"a stranger's letter from {claimed.header_from} lies in {claimed.folder}")
        if any(domain.dmarc_policy == "reject" for domain in mailhost.domains):
            reply = probes.letters.spoof
            faults += [f"a plain forgery of our own name gets {reply.code} {reply.text}"] * (reply.code < 500)
        return holds_unless(faults, remedy=REDEPLOY)
