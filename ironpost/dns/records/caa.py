"""CAA: which authorities may issue certificates for the names of a host's certificate (RFC 8659)."""

from __future__ import annotations

from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, SetId, record_set
from ironpost.mailhost import Domain, MailHost
from ironpost.mailhost.web import sites
from ironpost.settings import Acme

WHY = "who may issue certificates for this name (RFC 8659)"


def caa_sets(mailhost: MailHost, tellings: Tellings) -> Iterator[RecordSet]:
    """At the host's own name, never above it: the authorities of other people's web sites are not ours to choose."""
    yield from at(mailhost.name, (mailhost,), tellings)


def site_caa_sets(domain: Domain, serving: tuple[MailHost, ...], tellings: Tellings) -> Iterator[RecordSet]:
    """At the names of the small web server, for each host that answers there."""
    for site in sites(domain):
        yield from at(site.name, serving, tellings)


def at(name: str, mailhosts: tuple[MailHost, ...], tellings: Tellings) -> Iterator[RecordSet]:
    """Wildcards and S/MIME certificates are nobody's to issue here (RFC 8659 §4.3, RFC 9495)."""
    named = tuple(mailhost for mailhost in mailhosts if mailhost.certificate_authorities)
    if not named:
        return
    if any(tellings.get(mailhost.name) is None for mailhost in named):
        # Without the account the set would let in more than yesterday.
        yield RecordSet(SetId(name, "CAA"), None, WHY)
        return
    values = {value for mailhost in named for value in issuers(mailhost, tellings)}
    contacts = {f'0 iodef "mailto:{mailhost.admin}"' for mailhost in named}
    yield record_set(name, "CAA", (*values, *contacts, '0 issuewild ";"', '0 issuemail ";"'), WHY)


def issuers(mailhost: MailHost, tellings: Tellings) -> Iterator[str]:
    """The authority, with the one account that may ask it and the one way in which it may look (RFC 8657 §3, §4)."""
    told = tellings.get(mailhost.name)
    limits = f"; accounturi={told.acme_account}" if told and told.acme_account else ""
    if isinstance(mailhost.certificate, Acme):
        limits += f"; validationmethods={mailhost.certificate.challenge}"
    yield from (f'0 issue "{authority}{limits}"' for authority in mailhost.certificate_authorities)
