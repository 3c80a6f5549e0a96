"""All parts of a mail host, in the order in which they are set up: closed first, Postfix last."""

from __future__ import annotations

from collections.abc import Callable

from ironpost.component import Component
from ironpost.components.accounts import accounts
from ironpost.components.bans import bans
from ironpost.components.certificates import certificates
from ironpost.components.dovecot import dovecot
from ironpost.components.firewall import firewall
from ironpost.components.forwarding import forwarding
from ironpost.components.outbound import outbound
from ironpost.components.postfix import postfix
from ironpost.components.resolver import resolver
from ironpost.components.rspamd import rspamd
from ironpost.components.sending import sending
from ironpost.components.system import system
from ironpost.components.web import web
from ironpost.mailhost import MailHost

# As deploys/mail.py names them one by one.
PARTS: tuple[Callable[..., Component], ...] = (
    system,
    firewall,
    resolver,
    certificates,
    accounts,
    dovecot,
    rspamd,
    web,
    outbound,
    sending,
    forwarding,
    postfix,
    bans,
)


def components_of(mailhost: MailHost) -> tuple[Component, ...]:
    """The components of one host. The firewall opens what the others ask for, and nothing else."""
    made = {part: part(mailhost) for part in PARTS if part is not firewall}
    ports = tuple(port for component in made.values() for port in component.ports)
    return tuple(made[part] if part in made else firewall(mailhost, ports) for part in PARTS)
