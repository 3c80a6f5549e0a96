"""What an operator may say about a mail host: typed blocks of settings, one file per topic."""

from __future__ import annotations

from ironpost.settings.access import Allow, Granted, Limits, list_mistakes
from ironpost.settings.block import Setting, blocks_of, shown
from ironpost.settings.connection import ProbeLogin, Ssh, VantagePoint
from ironpost.settings.inner import Inner
from ironpost.settings.openid import OpenId
from ironpost.settings.operators import LoginKey
from ironpost.settings.publication import Parked, Rfc2136, TsigKey
from ironpost.settings.relaying import ClientCertificates, Fingerprint, RelayClient, Smarthost, fingerprint
from ironpost.settings.rollout import Waves
from ironpost.settings.stores import Database, Directory
from ironpost.settings.trust import Acme, CertificateFiles, Dkim
from ironpost.settings.waivers import Waiver
from ironpost.settings.words import (
    DnsName,
    MailAddress,
    Network,
    Networks,
    PlainPath,
    Sender,
    TimeZone,
    local_part,
    mail_address,
    network,
    plain_path,
    readable_name,
)

__all__ = [
    "Acme",
    "Allow",
    "CertificateFiles",
    "ClientCertificates",
    "Database",
    "Directory",
    "Dkim",
    "DnsName",
    "Fingerprint",
    "Granted",
    "Inner",
    "Limits",
    "LoginKey",
    "MailAddress",
    "Network",
    "Networks",
    "OpenId",
    "Parked",
    "PlainPath",
    "ProbeLogin",
    "RelayClient",
    "Rfc2136",
    "Sender",
    "Setting",
    "Smarthost",
    "Ssh",
    "TimeZone",
    "TsigKey",
    "VantagePoint",
    "Waiver",
    "Waves",
    "blocks_of",
    "fingerprint",
    "list_mistakes",
    "local_part",
    "mail_address",
    "network",
    "plain_path",
    "readable_name",
    "shown",
]
