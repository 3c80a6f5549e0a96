"""Certificates that a publication waits for: an account before CAA names it, and a certificate before the MX."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ironpost.dns.apply import Lack
from ironpost.errors import HostError
from ironpost.mailhost import MailHost
from ironpost.settings import Acme
from ironpost.tls import onhost

PARALLEL = 10
Found = TypeVar("Found")
REACHED = {"http-01": "see that it reaches port 80 of this host", "dns-01": "see that it finds the name servers"}


def register(mailhosts: Iterable[MailHost]) -> list[str]:
    """Each host that fetches its own certificate gets its account now. A sentence for each that could not."""
    return [said for said in each_of(mailhosts, registered).values() if said]


def certify(mailhosts: Iterable[MailHost]) -> dict[str, Lack]:
    """Each of them gets the certificate that is due now. Host name → what it lacks, for those that got none."""
    return {name: lack for name, lack in each_of(mailhosts, certified).items() if lack}


def remember(mailhost: MailHost, ttl: int) -> None:
    """A TLSA set of this TTL is about to be replaced: no rollover counts on the new one before caches have it."""
    onhost.roll(mailhost, "replaced", str(ttl))


def each_of(mailhosts: Iterable[MailHost], work: Callable[[MailHost], Found]) -> dict[str, Found]:
    hosts = [mailhost for mailhost in mailhosts if isinstance(mailhost.certificate, Acme)]
    with ThreadPoolExecutor(PARALLEL) as pool:
        return dict(zip((host.name for host in hosts), pool.map(work, hosts), strict=True))


def registered(mailhost: MailHost) -> str:
    try:
        status = onhost.status_of(mailhost)
        if not status.account or status.due:  # another authority is another account
            status = onhost.ask(mailhost, "register")
    except HostError as error:
        return f"{error}; deploy the host first"
    return "" if status.account else f"{mailhost.name}: has no account at the authority yet ({status.error})"


def certified(mailhost: MailHost) -> Lack | None:
    assert isinstance(mailhost.certificate, Acme)
    try:
        status = onhost.status_of(mailhost)
        if not issued(status) or status.due:
            status = onhost.ask(mailhost, "issue")
    except HostError as error:
        return Lack(f"{error}; deploy the host first", served=False)
    if issued(status) and not status.due:
        return None
    served = issued(status)
    what = "got no new certificate, and serves the one of before" if served else "got no certificate"
    why = status.error or "see journalctl -u ironpost-certificate there"
    remedy = f"{REACHED[mailhost.certificate.challenge]}, then run this again"
    return Lack(f"{mailhost.name}: {what} ({why}); {remedy}", served)


def issued(status: onhost.TlsStatus) -> bool:
    """Whether somebody else than the keys themselves signed the certificates."""
    return all(each.issuer != each.subject for each in status.certificates)
