"""All parts of a mail host, in the order in which they are set up: closed first, Postfix last."""

from __future__ import annotations

from ironpost.component import Component
from ironpost.components.accounts import accounts
from ironpost.components.certificates import certificates
from ironpost.components.dovecot import dovecot
from ironpost.components.firewall import firewall
from ironpost.components.postfix import postfix
from ironpost.components.resolver import resolver
from ironpost.components.rspamd import rspamd
from ironpost.components.system import system
from ironpost.mailhost import MailHost


def components_of(mailhost: MailHost) -> tuple[Component, ...]:
    """The components of one host. The firewall opens what the others ask for, and nothing else."""
    base = system(mailhost)
    others = (
        resolver(mailhost),
        certificates(mailhost),
        accounts(mailhost),
        dovecot(mailhost),
        rspamd(mailhost),
        postfix(mailhost),
    )
    ports = tuple(port for component in (base, *others) for port in component.ports)
    return (base, firewall(mailhost, ports), *others)
