"""Which record sets belong together: those of a mail domain, and the pointer of an address."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from ironpost.dns.records.addresses import address_sets, pointer_sets
from ironpost.dns.records.caa import caa_sets, site_caa_sets
from ironpost.dns.records.dkim import dkim_sets
from ironpost.dns.records.dmarc import agreement, dmarc_sets
from ironpost.dns.records.layout import Layout
from ironpost.dns.records.mx import mx_sets
from ironpost.dns.records.parked import parked_sets
from ironpost.dns.records.policies import policy_sets
from ironpost.dns.records.services import service_sets
from ironpost.dns.records.spf import helo_sets, spf_sets
from ironpost.dns.records.sshfp import sshfp_sets
from ironpost.dns.records.tlsa import tlsa_sets
from ironpost.dns.records.told import Tellings, Told
from ironpost.dns.records.web import web_sets
from ironpost.dns.recordset import RecordSet, SetId
from ironpost.errors import DnsError
from ironpost.mailhost import Domain, MailHost
from ironpost.settings import Parked, Rfc2136

HostTopic = Callable[[MailHost, Tellings], Iterator[RecordSet]]
DomainTopic = Callable[[Domain, tuple[MailHost, ...], Tellings], Iterator[RecordSet]]

# In the order in which a plan shows them.
HOST_TOPICS: tuple[HostTopic, ...] = (address_sets, helo_sets, caa_sets, sshfp_sets, tlsa_sets)
DOMAIN_TOPICS: tuple[DomainTopic, ...] = (
    mx_sets,
    spf_sets,
    dmarc_sets,
    dkim_sets,
    service_sets,
    web_sets,
    site_caa_sets,
    policy_sets,
)


@dataclass(frozen=True)
class Scope:
    """A name, with all below it, in which record sets are published: a mail or parked domain, or an address's pointer.

    `updates` is None where the inventory gives no way to publish. `mailhosts` are the hosts that it is about, the
    first one being the one whose settings name the key; of a parked domain, any host of the inventory. `due` has a
    sentence for each host of it that is to fetch a certificate.
    """

    name: str
    updates: Rfc2136 | None
    mailhosts: tuple[MailHost, ...]
    sets: tuple[RecordSet, ...]
    parked: bool = False
    due: tuple[str, ...] = ()

    @property
    def unread(self) -> tuple[str, ...]:
        """Names of sets whose values are not known now."""
        return tuple(each.id.name for each in self.sets if each.values is None)


def scopes(
    mailhosts: tuple[MailHost, ...],
    told: Tellings,
    parked: tuple[Parked, ...] = (),
    only: Collection[str] | None = None,
    layout: Layout | None = None,
) -> tuple[Scope, ...]:
    """What is wanted in each domain and at each pointer. Raises DnsError where two hosts contradict each other.

    `only` names the scopes that are asked for; `layout` is that of these hosts, for those who ask often.
    """
    layout = layout or Layout(mailhosts)
    domains = (name for name in layout.serving if only is None or name in only)
    asleep = (each for each in parked if only is None or each.name in only)
    pointers = (scope for mailhost in mailhosts for scope in pointer_scopes(mailhost))
    return (
        *(domain_scope(name, layout, told) for name in domains),
        *(Scope(each.name, each.dns, mailhosts[:1], tuple(parked_sets(each.name)), True) for each in asleep),
        *(scope for scope in pointers if only is None or scope.name in only),
    )


def domain_scope(name: str, layout: Layout, told: Tellings) -> Scope:
    """The mail domain's own records, and those of the hosts whose names lie in it."""
    serving, lodging = layout.serving[name], layout.lodging.get(name, ())
    domain = serving[0].domain(name)
    own = [found for topic in DOMAIN_TOPICS for found in topic(domain, serving, told)]
    taken = {each.id for each in own}
    # A host that is called like a domain has that domain's policies.
    sets = [found for host in lodging for found in host_sets(host, told) if not found.id.part or found.id not in taken]
    agreements = [agreement(other, there) for other, there in layout.agreements(name)]
    due = tuple(
        f"{host.name}: fetches a certificate ({why})" for host in lodging if (why := due_of(told.get(host.name)))
    )
    about = layout.about(name)
    updates = about[0].domain(name).dns
    return Scope(name, updates, about, tuple(unrepeated([*sets, *own, *agreements])), due=due)


def due_of(told: Told | None) -> str:
    return told.certificate_due if told else ""


def host_sets(mailhost: MailHost, told: Tellings) -> Iterator[RecordSet]:
    return (found for topic in HOST_TOPICS for found in topic(mailhost, told))


def pointer_scopes(mailhost: MailHost) -> Iterator[Scope]:
    """Each address by itself, where the reverse zone is ours."""
    for pointer in pointer_sets(mailhost) if mailhost.reverse_dns else ():
        yield Scope(pointer.id.name, mailhost.reverse_dns, (mailhost,), (pointer,))


def unrepeated(sets: list[RecordSet]) -> Iterator[RecordSet]:
    """Each set once. Raises DnsError when two with different values claim one place."""
    found: dict[SetId, RecordSet] = {}
    for each in sets:
        if found.setdefault(each.id, each).values != each.values:
            raise DnsError(f"{each.id}: two settings want different values; correct the inventory")
    yield from found.values()
