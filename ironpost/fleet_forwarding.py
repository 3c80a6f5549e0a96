"""Mistakes in what may be forwarded, and to where: they show only when all domains and hosts are known."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.accounts import Account
from ironpost.mailhost import Domain, MailHost

REQUIRED = ("postmaster", "abuse")  # RFC 5321 §4.5.1, RFC 2142


def forwarding_mistakes(mailhosts: tuple[MailHost, ...]) -> list[str]:
    """Each once, although several hosts may name the same domain and read the same file."""
    ours = {name for each in mailhosts for name in (each.name, *each.domain_names)}
    found = [*said_twice(mailhosts)]
    for mailhost in mailhosts:
        for domain in mailhost.domains:
            found += domain_mistakes(domain, ours)
            for account in domain.accounts:
                place = f"{domain.users_file}: {account.name}"
                found += [f"{place}: {each}" for each in account_mistakes(mailhost, domain, account, ours)]
    return list(dict.fromkeys(found))


def said_twice(mailhosts: tuple[MailHost, ...]) -> Iterator[str]:
    said: dict[str, tuple[str, tuple[str, ...]]] = {}
    for mailhost in mailhosts:
        for domain in mailhost.domains:
            owner, names = said.setdefault(domain.name, (mailhost.name, domain.forward_to))
            if set(names) != set(domain.forward_to):
                yield f"{domain.name}: forward_to is not the same on {owner} and {mailhost.name}; say the same on each"


def domain_mistakes(domain: Domain, ours: set[str]) -> Iterator[str]:
    """Mail between our own domains needs no forwarding, and could go round for ever."""
    for name in domain.forward_to:
        if name in ours:
            yield f"{domain.name}: forward_to: {name} is served here; remove it, and write aliases instead"
    if domain.forward_to and domain.users_file is None:
        yield f"{domain.name}: forward_to: its accounts are no users file, which alone can say forward; remove it"


def account_mistakes(mailhost: MailHost, domain: Domain, account: Account, ours: set[str]) -> Iterator[str]:
    for address in account.forward:
        name = address.rpartition("@")[2]
        if address in account.addresses:
            yield f"forward: {address} is its own address, and mail would go round; remove it"
        elif name in ours:
            yield f"forward: {name} is served here; make {account.address} an alias of {address} instead"
        elif name not in domain.forward_to:
            yield f"forward: {address} is not allowed; write {name} into forward_to of {domain.name}, or remove it"
    if account.forward and not account.keep_copy and receives_complaints(mailhost, account):
        yield "gets the mail for postmaster, which must have somebody here (RFC 5321 §4.5.1); set keep_copy = true"
    if account.forward and not forwards_alone(mailhost, account):
        home = mailhost.home_of(account)
        yield (
            f"forwards, and its mailbox is on {home}, which has not all of the roles mx, submission and mailbox: "
            "bounces come back to the host that forwards; move the mailbox with host=, or remove forward"
        )


def receives_complaints(mailhost: MailHost, account: Account) -> bool:
    roles = {f"{role}@{name}" for name in mailhost.postfix_domains for role in REQUIRED}
    return account.address == mailhost.admin or bool(roles.intersection(account.addresses))


def forwards_alone(mailhost: MailHost, account: Account) -> bool:
    """The host of the mailbox can forward by itself; another host's word for itself is checked there."""
    return mailhost.home_of(account) != mailhost.name or (
        mailhost.is_mx and mailhost.is_submission and mailhost.is_mailbox
    )
