"""What Postfix is told of the other hosts of its fleet: where mailboxes are, and who may bring or take mail."""

from __future__ import annotations

from ironpost.certificate import chain_text
from ironpost.component import Check, HostFile, Port
from ironpost.components import postfix_maps as maps
from ironpost.components.certificates import asked_of_openssl, questions
from ironpost.mailhost import MailHost
from ironpost.mailhost.certificate import FOLDER
from ironpost.mailhost.roles import MAILBOX_PORT, WORLD_PORT

AUTHORITY = f"{FOLDER}/fleet-authority.pem"
CHAIN = f"{FOLDER}/fleet.pem"
KEY = f"{FOLDER}/fleet-key.pem"
# A host that was not changed yet may think that a mailbox is here: its mail waits there meanwhile, and does not circle.
NOT_HERE = "450 4.3.0 This mailbox is not on this host now"


def inner_files(mailhost: MailHost) -> tuple[HostFile, ...]:
    """The certificate that the fleet knows this host by, its key, and the authority of the others."""
    if mailhost.inner is None:
        return ()
    return (
        HostFile(AUTHORITY, chain_text(mailhost, mailhost.inner.authority)),
        HostFile(CHAIN, chain_text(mailhost, mailhost.inner.chain)),
        HostFile(KEY, mailhost.secret(mailhost.inner.key), mode=0o600),
    )


def inner_tables(mailhost: MailHost) -> dict[str, str]:
    """The tables that the roles ask for, by name."""
    found = {}
    if mailhost.inner:
        reason = "Mailboxes on other hosts of the fleet."
        found["fleet_mailboxes"] = maps.table(reason, mailhost.mailbox_routes)
    if mailhost.takes_from_fleet:
        found["fleet_recipients"] = maps.table("What the fleet may bring.", inner_recipients(mailhost))
    if mailhost.sends_for_fleet:
        found["fleet_senders"] = maps.table("In whose name the fleet may send.", inner_senders(mailhost))
    return found


def inner_recipients(mailhost: MailHost) -> dict[str, str]:
    """Mailboxes that are here, and every other address of our domains."""
    here = {address: "OK" for account in mailhost.residents for address in account.addresses}
    return here | dict.fromkeys(mailhost.postfix_domains, NOT_HERE)


def inner_senders(mailhost: MailHost) -> dict[str, str]:
    """Bounces, and what arises in the name of our domains: nothing else is the fleet's to send."""
    return dict.fromkeys(("<>", *mailhost.postfix_domains), "OK")


def inner_ports(mailhost: MailHost) -> tuple[Port, ...]:
    found = []
    if mailhost.takes_from_fleet:
        found.append(Port(MAILBOX_PORT, "mail of the fleet for the mailboxes here", sources=("fleet",)))
    if mailhost.sends_for_fleet:
        found.append(Port(WORLD_PORT, "mail of the fleet for the world", sources=("fleet",)))
    return tuple(found)


def inner_checks(mailhost: MailHost) -> tuple[Check, ...]:
    """The certificate belongs to the key, names this host, and is of the authority that the others ask for."""
    if mailhost.inner is None:
        return ()
    vouched = f"openssl verify -CAfile {AUTHORITY} -untrusted {CHAIN} {CHAIN} >/dev/null 2>&1"
    told = f"{CHAIN}: is not of the authority beside it; have the authority of the fleet issue one"
    return asked_of_openssl((*questions((mailhost.name,), CHAIN, KEY), (vouched, told)))
