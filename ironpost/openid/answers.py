"""What may become of a token besides "good": these two, which must never be mistaken for each other."""

from __future__ import annotations


class Refused(Exception):
    """The token opens nothing. The text says why, in words of ours that quote nothing that was not verified."""


class Foreign(Refused):
    """The token is good, and of another domain than the one that was asked: a further domain may trust its provider."""


class PutOff(Exception):
    """Nobody can say at the moment: the login is to be tried again later."""
