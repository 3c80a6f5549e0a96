"""The words that settings are made of: names, addresses, networks, file names; and what is wrong with others."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any

from pydantic import AfterValidator

from ironpost.settings.block import shown

LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
LOCAL_PART = re.compile(r"[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?")


def dns_name(value: str) -> str:
    """A host or domain name in lower case letters, digits and hyphens (RFC 1123 §2.1), without a closing dot."""
    labels = value.split(".")
    if len(labels) < 2 or len(value) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{shown(value)} is not a DNS name; write it like mx1.example.org, non-ASCII names as xn--…")
    if labels[-1].isdigit():
        raise ValueError(f"{shown(value)} is an address, not a name; name the host")
    return value


def key_name(value: str) -> str:
    """The name of a TSIG key: a domain name, often of one label (RFC 8945 §4.2); a closing dot is dropped."""
    value = value.removesuffix(".").lower()
    if not all(re.fullmatch(r"[a-z0-9_-]{1,63}", label) for label in value.split(".")):
        raise ValueError(f"{shown(value)} is not the name of a TSIG key; write it as the name server has it")
    return value


def dns_label(value: str) -> str:
    """One label of a DNS name (RFC 1035 §2.3.1)."""
    if not LABEL.fullmatch(value):
        raise ValueError(f"{shown(value)} is not a DNS label; use a-z, 0-9 and inner hyphens")
    return value


def local_part(value: str) -> str:
    """The part of a mail address before the @: a conservative subset of RFC 5321 §4.1.2, in lower case."""
    if not LOCAL_PART.fullmatch(value) or ".." in value:
        raise ValueError(f"{shown(value)} is not a mailbox name; use a-z, 0-9, and . _ + - inside")
    return value


def mail_address(value: str) -> str:
    """A mail address, user@domain."""
    user, at, domain = value.rpartition("@")
    if not at:
        raise ValueError(f"{shown(value)} is not a mail address; write user@domain")
    return f"{local_part(user)}@{dns_name(domain)}"


def network(value: Any) -> Any:
    """A network in CIDR notation or one address; bits below the mask are a mistake, not a shorthand."""
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(f"{shown(value)} is not a network; write 192.0.2.0/24, 2001:db8::/32 or one address") from None


def time_zone(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}", value):
        raise ValueError(f"{shown(value)} is not a time zone; write one like Europe/Berlin or Etc/UTC")
    return value


def plain_path(value: str) -> str:
    if not value or any(ord(character) < 32 for character in value):
        raise ValueError(f"{shown(value)} is not a file name; name a file of this controller")
    return value


DnsName = Annotated[str, AfterValidator(dns_name)]
DnsLabel = Annotated[str, AfterValidator(dns_label)]
LocalPart = Annotated[str, AfterValidator(local_part)]
MailAddress = Annotated[str, AfterValidator(mail_address)]
TimeZone = Annotated[str, AfterValidator(time_zone)]
PlainPath = Annotated[str, AfterValidator(plain_path)]
Network = Annotated[str, AfterValidator(lambda value: str(network(value)))]
Networks = tuple[Network, ...]
