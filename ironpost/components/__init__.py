"""All parts of a mail host, in the order in which they are set up: closed first, Postfix last."""

from __future__ import annotations

from ironpost.component import Component
from ironpost.mailhost import MailHost


def components_of(mailhost: MailHost) -> tuple[Component, ...]:
    """The components of one host. The firewall opens what the others ask for, and nothing else."""
    return ()
