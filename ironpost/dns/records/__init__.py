"""The record sets that a fleet needs, from its settings and from what its hosts tell: one file per topic. Pure.

A topic is a function in HOST_TOPICS (what a mail host's own name needs) or DOMAIN_TOPICS (what a mail domain needs).
"""

from __future__ import annotations

from ironpost.dns.records.layout import Layout
from ironpost.dns.records.scope import Scope, pointer_scopes, scopes
from ironpost.dns.records.told import SshKey, Tellings, TlsKey, Told

__all__ = ["Layout", "Scope", "SshKey", "Tellings", "TlsKey", "Told", "pointer_scopes", "scopes"]
