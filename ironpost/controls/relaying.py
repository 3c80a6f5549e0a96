"""Relaying, further: machines without a login, classes of addresses, exceptions in lists."""

from __future__ import annotations

import re

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.relay import fleet_services, inner_services, machine_services
from ironpost.controls.tls import REDEPLOY, listed, smtpd
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

KNOWN = frozenset({"smtp/inet", "submissions/inet", "submission/inet"})
CLASSES = ("mydestination", "virtual_alias_domains", "virtual_mailbox_domains", "relay_domains")
LISTS = ("client", "helo", "sender", "recipient", "data", "end_of_data", "etrn")
# May stand before a refusal: what lets nobody in who is not in already.
HARMLESS = frozenset({"permit_sasl_authenticated"})


@control(
    "RELAY-05",
    claim="Machines that relay without a login are those of the inventory, each for its own domains",
    reference="RFC 5321 §7; RESTRICTION_CLASS_README; postconf(5) check_ccert_access",
    severity="high",
    cost="passive",
)
class OnlyListedMachinesRelay:
    """A relay grant is forgotten first and abused longest."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        wanted = machine_services(mailhost) | fleet_services(mailhost) | inner_services(mailhost)
        found = set(snapshot.postfix.smtpd_services)
        faults = [f"{name} takes mail, and is no service of ours" for name in sorted(found - KNOWN - set(wanted))]
        faults += [f"{name} is not there" for name in sorted(set(wanted) - found)]
        for client in mailhost.relay_clients:
            keys = [client.certificate] if client.certificate else list(client.addresses)
            table = snapshot.relaying("client_certificates" if client.certificate else "relay_clients")
            for key in keys:
                rule = snapshot.postfix.main.get(table.get(key or "", ""), "")
                allowed = set(re.findall(r"\{\s*([^{}=\s]+)\s*=\s*permit\s*\}", rule))
                if allowed != set(client.domains) or not rule.rstrip().endswith("reject"):
                    faults.append(f"{client.name}: may send for {', '.join(sorted(allowed)) or 'nobody'}")
        listed_keys = {key for client in mailhost.relay_clients for key in (client.certificate, *client.addresses)}
        listed_keys |= {key for account in mailhost.accounts for key in account.certificates}
        for name in ("client_certificates", "relay_clients"):
            faults += [f"{name} holds {key}" for key in snapshot.relaying(name) if key not in listed_keys]
        return holds_unless(faults, remedy=REDEPLOY, seen=f"{len(mailhost.relay_clients)} machines")


@control(
    "RELAY-06",
    claim="Each domain is in one class of addresses, and only the inventory's domains are ours",
    reference="ADDRESS_CLASS_README; VIRTUAL_README",
    cost="passive",
)
class AddressClassesAreDisjoint:
    """A domain in two classes is delivered by whichever is looked at first; one too many is relayed to."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        classes = {name: set(listed(snapshot.postfix.value(name))) for name in CLASSES}
        ours = {*mailhost.domain_names, mailhost.name}
        faults = []
        for at, (name, found) in enumerate(classes.items()):
            for other in CLASSES[at + 1 :]:
                faults += [f"{domain} is in {name} and in {other}" for domain in sorted(found & classes[other])]
            faults += [f"{name} holds {domain}" for domain in sorted(found - ours)]
        placed = {domain for found in classes.values() for domain in found}
        faults += [f"{name} is in no class" for name in sorted(set(mailhost.domain_names) - placed)]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "RELAY-07",
    claim="No list of restrictions lets anybody pass before the relay check, by a permit or by a table",
    reference="SMTPD_ACCESS_README, dangerous use of smtpd_recipient_restrictions",
    severity="high",
    cost="passive",
)
class NoExceptionsInLists:
    """An OK for a customer's server in the wrong list has opened many relays."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for name, service in smtpd(snapshot):
            for kind in LISTS:
                setting = f"smtpd_{kind}_restrictions"
                for word in listed(service[setting]):
                    if (word.startswith("permit") and word not in HARMLESS) or word.endswith(":OK") or word == "OK":
                        faults.append(f"{name}: {setting} has {word}")
            if service["smtpd_relay_before_recipient_restrictions"] == "no":
                faults.append(f"{name}: recipients are judged before relaying")
        return holds_unless(faults, remedy=REDEPLOY)
