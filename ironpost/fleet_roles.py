"""Mistakes in how the hosts of a fleet divide their roles: mail would find no way from one to the next."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.mailhost import MailHost

WHOLE = frozenset({"mx", "submission", "mailbox"})
NEEDED = {"mx": "takes its mail", "submission": "sends its mail", "mailbox": "has its mailboxes"}


def role_mistakes(mailhosts: tuple[MailHost, ...]) -> list[str]:
    """Each domain needs every role, each host the others that it leans on, and each account one mailbox."""
    found = [*domain_mistakes(mailhosts)]
    for mailhost in mailhosts:
        found += [f"{mailhost.name}: {mistake}" for mistake in (*host_mistakes(mailhost), *account_mistakes(mailhost))]
    return found


def domain_mistakes(mailhosts: tuple[MailHost, ...]) -> Iterator[str]:
    for name in dict.fromkeys(name for each in mailhosts for name in each.domain_names):
        serving = [each for each in mailhosts if name in each.domain_names]
        roles = {role for each in serving for role in each.roles}
        for role, does in NEEDED.items():
            if role not in roles:
                yield f"{name}: no host {does}; give one of its hosts the role {role}"
        divided = any(not WHOLE.issubset(each.roles) for each in serving) or any(each.inner for each in serving)
        for each in serving if divided else ():
            if each.inner is None:
                yield f"{each.name}: shares {name} with other hosts, and has no inner=Inner(…); give it a certificate"


def role_advice(mailhosts: tuple[MailHost, ...]) -> Iterator[str]:
    """What works and costs something; `ironpost check` tells it, and nothing stops at it."""
    for name in dict.fromkeys(name for each in mailhosts for name in each.domain_names):
        senders = [each for each in mailhosts if each.sends and name in each.domain_names]
        if len(senders) > 1 and not any(each.inner for each in senders):
            yield (
                f"{name}: {' and '.join(each.name for each in senders)} send for it, and each counts sending limits by "
                "itself; give each an inner=Inner(…), and they count together"
            )


def host_mistakes(mailhost: MailHost) -> Iterator[str]:
    if not mailhost.sends and mailhost.inner and not mailhost.world_routes:
        yield "no host with the role submission serves all of its domains; its bounces could not leave"
    if mailhost.smarthosts and not mailhost.sends:
        yield "smarthosts: this host sends nothing to the world; name them on the hosts that do"
    if mailhost.client_certificates and not mailhost.sends:
        yield "client_certificates: this host takes nothing from machines or users; give it the role relay"
    if mailhost.relay_clients and not mailhost.sends:
        yield "relay_clients: this host takes nothing from machines; give it the role relay"
    if mailhost.roles == ("relay",) and not mailhost.relay_clients:
        yield "has the role relay alone and no relay_clients; name the machines that send through it"
    if mailhost.cleartext_ports and not mailhost.is_mailbox:
        yield "cleartext_ports: there are no mailboxes on this host; remove them"


def account_mistakes(mailhost: MailHost) -> Iterator[str]:
    """A mailbox is on a host that has mailboxes of its domain."""
    for account in mailhost.accounts if mailhost.inner else ():
        boxes = mailhost.members("mailbox", account.domain)
        if account.host and account.host not in boxes:
            known = ", ".join(boxes) or "none"
            yield f"{account.address}: host {account.host} has no mailboxes of {account.domain}; there are {known}"
