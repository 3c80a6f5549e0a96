"""Other hosts that mail is sent through, and the passwords that they are given."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY, listed
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

LINES = "texthash:/etc/postfix/smarthost_tls"


@control(
    "TLC-07",
    claim="Mail goes through no other host than a smarthost of the inventory, and to that with its name verified",
    reference="RFC 8314 §3; RFC 4954 §9; postconf(5) relayhost, smtp_sasl_tls_security_options",
    severity="high",
    cost="passive",
)
class SmarthostsAreVerified:
    """Whoever stands in for the smarthost reads all mail, and has the password besides."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        wanted = {f"[{each.host}]:{each.port}": each.host for each in mailhost.smarthosts}
        faults = [*strange_ways(mailhost, snapshot, set(wanted)), *open_passwords(snapshot, bool(wanted))]
        if wanted and listed(snapshot.postfix.value("smtp_tls_policy_maps"))[:1] != [LINES]:
            faults.append(f"smtp_tls_policy_maps does not begin with {LINES}")
        for nexthop, name in wanted.items():
            said = snapshot.relaying("smarthost_tls").get(nexthop, "nothing")
            if said.split()[:2] != ["secure", f"match={name}"]:
                faults.append(f"{nexthop}: what TLS must be is {said}")
        return holds_unless(faults, remedy=REDEPLOY, seen=f"{len(wanted)} smarthosts")


def between_hosts(mailhost: MailHost) -> dict[str, set[str]]:
    """What leads to other hosts of the fleet, which know each other: mailboxes, and who sends for them."""
    if mailhost.inner is None:
        return {"relayhost": set()}
    found = {"transport_maps": {"texthash:/etc/postfix/fleet_mailboxes"}, "relayhost": set[str]()}
    if not {"submission", "relay"} & set(mailhost.roles):
        senders = {name for domain in mailhost.domain_names for name in mailhost.members("submission", domain)}
        found |= {"default_transport": {"fleet"}, "relayhost": {f"[{name}]:4526" for name in senders}}
    return found


def strange_ways(mailhost: MailHost, snapshot: Snapshot, wanted: set[str]) -> Iterator[str]:
    """Ways out that the inventory does not know."""
    relayhost = snapshot.postfix.value("relayhost")
    inside = between_hosts(mailhost)
    if relayhost and relayhost not in wanted and not set(listed(relayhost)) <= inside["relayhost"]:
        yield f"relayhost = {relayhost}"
    for name in ("smtp_fallback_relay", "default_transport", "transport_maps"):
        if snapshot.postfix.value(name) not in {"", "smtp", *inside.get(name, ())}:
            yield f"{name} = {snapshot.postfix.value(name)}"
    if not wanted and snapshot.postfix.value("sender_dependent_relayhost_maps"):
        yield f"sender_dependent_relayhost_maps = {snapshot.postfix.value('sender_dependent_relayhost_maps')}"
    yield from (
        f"mail goes to {nexthop}" for nexthop in snapshot.relaying("smarthosts").values() if nexthop not in wanted
    )


def open_passwords(snapshot: Snapshot, wanted: bool) -> Iterator[str]:
    """Ways for a password to leave the host without TLS, or at all."""
    services = [name for name, program in snapshot.postfix.services.items() if program == "smtp"]
    for name in services:
        settings = snapshot.postfix.service(name)
        if settings["smtp_sasl_auth_enable"] != "yes":
            continue
        if not wanted:
            yield f"{name} logs in elsewhere"
        elif "noplaintext" not in listed(settings["smtp_sasl_security_options"]):
            yield f"{name} may send a password in clear text"
