"""The mail host: what the operator said, and what follows from it. Everything else is derived from this one model.

`said.py` holds the settings; the other files hold what follows from them, one for each program that is told of it.
"""

from __future__ import annotations

from ironpost.mailhost.access import DoorsValues
from ironpost.mailhost.certificate import CertificateValues
from ironpost.mailhost.domain import DKIM_DIRECTORY, Domain
from ironpost.mailhost.dovecot import DovecotValues
from ironpost.mailhost.forwarding import ForwardingValues
from ironpost.mailhost.openid import OpenIdValues
from ironpost.mailhost.postfix import PostfixValues
from ironpost.mailhost.relaying import RelayingValues
from ironpost.mailhost.rspamd import RspamdValues
from ironpost.mailhost.said import Release
from ironpost.mailhost.stores import StoreValues
from ironpost.mailhost.web import WebValues

__all__ = ["DKIM_DIRECTORY", "Domain", "MailHost", "Release"]


class MailHost(
    DoorsValues,
    PostfixValues,
    DovecotValues,
    StoreValues,
    OpenIdValues,
    RelayingValues,
    RspamdValues,
    ForwardingValues,
    WebValues,
    CertificateValues,
):
    """One mail host. `name` is its fully qualified host name, as its MX and its certificate say it.

    `roles` are what it does: take mail from other servers (mx), from users (submission), keep it for them (mailbox), or
    take it from machines (relay). Hosts that divide these among them need `inner`, by which they know each other.
    """
