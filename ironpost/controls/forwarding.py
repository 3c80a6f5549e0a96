"""Mail that goes on to elsewhere: to whom, in whose name, what comes back, and what the next host is told."""

from __future__ import annotations

import re
from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless, not_applicable
from ironpost.controls.relay import FORWARD_DOOR as DOOR
from ironpost.controls.relay import FORWARDED
from ironpost.controls.tls import REDEPLOY, listed
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

NOBODY = not_applicable("no account with a mailbox here forwards")
SENDER = "probe@relay.invalid"
OLDEST_DAYS = 45  # a secret is renewed after 30; a host that was off for two weeks has not failed
MOST_SECRETS = 2
REMEDY = f"remove what the inventory does not name; {REDEPLOY}"


@control(
    "FWD-01",
    claim="Mail goes on to those addresses elsewhere that the inventory names for an account, and to no other",
    reference="RFC 5321 §3.9; RFC 5228 §4.2; Pigeonhole sieve_max_redirects; postconf(5) smtpd_relay_restrictions",
    severity="high",
    cost="passive",
    roles=("mailbox",),
)
class OnlyNamedAddressesGetMail:
    """A copy of all mail to a stranger is what whoever took over an account sets up first, and what nobody notices."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        found = snapshot.forwarding
        wanted = {account.address: sorted(account.forward) for account in mailhost.forwarders}
        faults = [
            f"{account} sends on to {', '.join(found['rules'].get(account, [])) or 'nobody'}"
            for account in sorted({*wanted, *found["rules"]})
            if sorted(found["rules"].get(account, [])) != wanted.get(account, [])
        ]
        faults += [
            f"rules of {account} may send on to {number} addresses"
            for account, number in sorted(found["allowed"].items())
            if number > len(wanted.get(account, []))
        ]
        strangers = set(found["destinations"]) - {address for each in wanted.values() for address in each}
        faults += [f"Postfix lets mail be sent on to {address}" for address in sorted(strangers)]
        faults += door_faults(snapshot, bool(wanted))
        return holds_unless(faults, remedy=REMEDY) if wanted or faults else NOBODY


def door_faults(snapshot: Snapshot, wanted: bool) -> list[str]:
    """The one door for what is forwarded: on loopback, and for addresses of the inventory and null senders alone."""
    doors = [
        name for name, command in snapshot.postfix.services.items() if ":4527/" in f":{name}" and command == "smtpd"
    ]
    if not wanted:
        return [f"{name} listens, and nobody forwards" for name in doors]
    if doors != [DOOR]:
        return [f"what is forwarded enters at {', '.join(doors) or 'no door'}"]
    rules = snapshot.postfix.service(DOOR)["smtpd_relay_restrictions"]
    return [] if listed(rules) == FORWARDED else [f"{DOOR}: smtpd_relay_restrictions = {rules}"]


@control(
    "FWD-02",
    claim="The senders of forwarded mail become addresses of this host and back, by a secret that is closed and young",
    reference="RFC 7208 §11.4, appendix D.4; SRS (Wong, 2003); postsrsd(8); postconf(5) sender_canonical_maps",
    severity="high",
    cost="passive",
    roles=("mailbox",),
)
class SendersAreWrittenAnew:
    """In a stranger's name SPF refuses what we send on; with the secret anybody has us write to whom they like."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        found = snapshot.forwarding["senders"]
        if not mailhost.forwards:
            return NOBODY
        faults = []
        if not re.fullmatch(rf"SRS0=\S{{6}}=\S\S=relay\.invalid=probe@{re.escape(mailhost.name)}", found["written"]):
            faults.append(f"{SENDER} becomes {found['written'] or 'nothing else'} when its mail is sent on")
        elif found["back"] != SENDER:
            faults.append(f"a bounce to {SENDER} goes to {found['back'] or 'nobody'}")
        everybody = snapshot.postfix.value("sender_canonical_maps"), snapshot.postfix.value("canonical_maps")
        faults += [f"the senders of all mail are written anew: {value}" for value in everybody if value]
        faults += secret_faults(snapshot.forwarding["secrets"])
        return holds_unless(faults, remedy=f"systemctl restart postsrsd.service; {REDEPLOY}")


def secret_faults(found: dict[str, Any]) -> list[str]:
    if not found:
        return ["there is no secret"]
    file, faults = found["file"], []
    if file["mode"] & 0o137 or (found["owner"], found["group"]) != ("root", "postsrsd"):
        faults.append(f"the secret has mode {file['mode']:o} of {found['owner']}:{found['group']}")
    if not 1 <= found["lines"] <= MOST_SECRETS:
        faults.append(f"there are {found['lines']} secrets")
    if found["days"] > OLDEST_DAYS:
        faults.append(f"the secret is {found['days']:.0f} days old; see ironpost-srs.timer")
    return faults


@control(
    "FWD-03",
    claim="A return address that this host did not make, or made long ago, is an unknown recipient",
    reference="RFC 5321 §3.6.3, §3.9; BACKSCATTER_README; postsrsd(8); postconf(5) recipient_canonical_maps",
    severity="critical",
    roles=("mailbox",),
)
class ForgedReturnAddressesAreRefused:
    """Such an address holds somebody else's: a host that takes it without proof relays for everybody."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        forged = snapshot.forwarding["senders"].get("forged")
        if not mailhost.forwards:
            return NOBODY
        if forged is None:
            raise NotCollectedError("no forged address was looked up")
        faults = [f"mail for a forged address goes to {forged}"] if forged else []
        return holds_unless(faults, remedy=REDEPLOY)

    def outside(self, mailhost: MailHost, probes: Probes) -> Verdict:
        seen = probes.each("forged srs")
        if not mailhost.forwards:
            return NOBODY
        faults = [
            f"{address}: a forged return address gets {code} {text}"
            for address, replies in seen
            for code, text in replies
            if not 500 <= code < 600
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "FWD-04",
    claim="What is forwarded is sealed by the domain whose account forwards it, and signed by nobody but its author",
    reference="RFC 8617 §5.1; RFC 6376 §8; rspamd arc, settings",
    cost="passive",
    roles=("mailbox",),
)
class ForwardedMailIsSealed:
    """The seal tells the next host what SPF said here; a signature would make a stranger's letter one of ours."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        seals = snapshot.forwarding["seals"]
        if not mailhost.forwards:
            return NOBODY
        faults = []
        for domain in sorted({account.domain for account in mailhost.forwarders}):
            found = seals.get(domain, {"error": f"{domain}: no rule forwards"})
            if "error" in found:
                raise NotCollectedError(str(found["error"]))
            if f" d={domain};" not in found["seal"] or "ARC_SIGNED" not in found["symbols"]:
                faults.append(f"{domain}: what it forwards is sealed with {found['seal'][:60] or 'nothing'}")
            if "DKIM_SIGNED" in found["symbols"]:
                faults.append(f"{domain}: what it forwards is signed as its own")
        return holds_unless(faults, remedy=REDEPLOY)
