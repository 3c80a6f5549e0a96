"""Where a mail host is: its addresses, and the pointers that lead back from them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ironpost.dns.records.told import Tellings
from ironpost.dns.recordset import RecordSet, record_set
from ironpost.mailhost import MailHost


def address_sets(mailhost: MailHost, told: Tellings) -> Iterator[RecordSet]:
    why = "the mail host's address, which its MX and its pointer lead to"
    if mailhost.ipv4:
        yield record_set(mailhost.name, "A", (mailhost.ipv4,), why)
    if mailhost.ipv6:
        yield record_set(mailhost.name, "AAAA", (mailhost.ipv6,), why)


def pointer_sets(mailhost: MailHost) -> Iterator[RecordSet]:
    """The pointer of each address: receivers refuse senders without one."""
    for address in mailhost.addresses:
        name = ipaddress.ip_address(address).reverse_pointer
        why = f"the pointer of {address}: receivers refuse hosts without one"
        yield record_set(name, "PTR", (f"{mailhost.name}.",), why)
