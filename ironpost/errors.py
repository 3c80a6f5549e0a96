"""What can go wrong for an operator. Each message reads `where: what was found; what to do`."""

from __future__ import annotations


class IronpostError(Exception):
    """Anything that is told to an operator in words, without a traceback."""


class InventoryError(IronpostError):
    """The inventory cannot be used; holds every mistake of every host. Nothing was connected to."""


class SecretError(IronpostError):
    """A secret could not be read from its source, or is empty or a placeholder."""


class UsersFileError(IronpostError):
    """A users file cannot be read or changed as asked, or a password is refused; it stands as it was."""


class TemplateError(IronpostError):
    """A template names something that the mail host does not have."""


class DnsError(IronpostError):
    """A name server did not answer, or refused what was asked."""


class HostError(IronpostError):
    """One mail host refused or failed a step; others go on."""


class UnverifiableError(IronpostError):
    """Evidence could not be collected, so there is no verdict."""
