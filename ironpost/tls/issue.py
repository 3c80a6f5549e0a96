"""Certificates that a publication waits for: an account before CAA names it, and a certificate before the MX."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from ironpost.errors import HostError
from ironpost.mailhost import MailHost
from ironpost.settings import Acme
from ironpost.tls import onhost

PARALLEL = 10


def register(mailhosts: Iterable[MailHost]) -> list[str]:
    """Each host that fetches its own certificate gets its account now. A sentence for each that could not."""
    return [said for said in each_of(mailhosts, registered).values() if said]


def certify(mailhosts: Iterable[MailHost]) -> dict[str, str]:
    """Each of them gets its first certificate now. Host name → why it has none yet, for those that have none."""
    return {name: said for name, said in each_of(mailhosts, certified).items() if said}


def each_of(mailhosts: Iterable[MailHost], work: onhost.Work) -> dict[str, str]:
    hosts = [mailhost for mailhost in mailhosts if isinstance(mailhost.certificate, Acme)]
    with ThreadPoolExecutor(PARALLEL) as pool:
        return dict(zip((host.name for host in hosts), pool.map(work, hosts), strict=True))


def registered(mailhost: MailHost) -> str:
    try:
        status = onhost.status_of(mailhost)
        if not status.account:
            status = onhost.ask(mailhost, "register")
    except HostError as error:
        return f"{error}; deploy the host first"
    return "" if status.account else f"{mailhost.name}: has no account at the authority yet ({status.error})"


def certified(mailhost: MailHost) -> str:
    try:
        status = onhost.status_of(mailhost)
        if not issued(status):
            status = onhost.ask(mailhost, "issue")
    except HostError as error:
        return f"{error}; deploy the host first"
    return "" if issued(status) else f"{mailhost.name}: has no certificate yet ({status.error}); run this again"


def issued(status: onhost.TlsStatus) -> bool:
    """Whether somebody else than the keys themselves signed the certificates."""
    return all(each.issuer != each.subject for each in status.certificates)
