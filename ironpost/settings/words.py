"""The words that settings are made of: names, addresses, networks, file names; and what is wrong with others."""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from typing import Annotated, Any

import idna
from pydantic import AfterValidator, BeforeValidator

from ironpost.settings.block import shown

LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
LOCAL_PART = re.compile(r"[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9])?")


def dns_name(value: str) -> str:
    """A host or domain name in letters, digits and hyphens (RFC 1123 §2.1), without a closing dot; in lower case.

    One in other letters (U-labels) becomes what DNS and mail servers use in its place (A-labels, RFC 5891 §4).
    """
    written, value = value, value.lower() if value.isascii() else ascii_name(value)
    labels = value.split(".")
    if len(labels) < 2 or len(value) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise ValueError(f"{shown(written)} is not a DNS name; write it like mx1.example.org")
    if labels[-1][0].isdigit():  # no top-level domain begins with one (RFC 3696 §2)
        raise ValueError(f"{shown(value)} is an address, not a name; name the host")
    return value


def ascii_name(value: str) -> str:
    """Each label in the form that DNS knows; UTS #46 maps what people type (capitals, full-width letters) first."""
    try:
        return idna.encode(value, uts46=True, std3_rules=True).decode()
    except idna.IDNAError as error:
        raise ValueError(f"{shown(value)} is not an internationalised name ({error}); write it as registered") from None


def readable_name(value: str) -> str:
    """A name as people write it, beside what DNS has where the two differ."""
    try:
        written = ".".join(idna.decode(label) if label.startswith("xn--") else label for label in value.split("."))
    except idna.IDNAError:
        return value
    return value if written == value else f"{value} ({written})"


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
        found = ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(f"{shown(value)} is not a network; write 192.0.2.0/24, 2001:db8::/32 or one address") from None
    if found.is_multicast or found.is_link_local or "%" in str(value):
        raise ValueError(f"{shown(value)} is a network that nobody connects from; write the one that they come from")
    return found


def time_zone(value: str) -> str:
    """A name of the tz database, as far as this controller has one."""
    known = zoneinfo.available_timezones()
    if not re.fullmatch(r"[A-Za-z]+(/[A-Za-z0-9_+-]+){0,2}", value) or (known and value not in known):
        raise ValueError(f"{shown(value)} is not a time zone; write one like Europe/Berlin or Etc/UTC")
    return value


def sender(value: Any) -> str:
    """Who else sends in a domain's name: a name whose SPF policy counts too (`_spf.…` often), or a network."""
    text = str(value)
    if text.startswith(("ip4:", "ip6:", "include:")):
        raise ValueError(f"{shown(value)} is a term of SPF; write the name or network alone, as after the colon")
    if ":" in text or text.replace(".", "").replace("/", "").isdigit():
        return str(network(text))
    dns_name(".".join(label.removeprefix("_") for label in text.split(".")))
    return text


def plain_path(value: str) -> str:
    if not value or any(ord(character) < 32 for character in value):
        raise ValueError(f"{shown(value)} is not a file name; name a file of this controller")
    return value


DnsName = Annotated[str, AfterValidator(dns_name)]
DnsLabel = Annotated[str, AfterValidator(dns_label)]
LocalPart = Annotated[str, AfterValidator(local_part)]
MailAddress = Annotated[str, AfterValidator(mail_address)]
Sender = Annotated[str, BeforeValidator(sender)]
TimeZone = Annotated[str, AfterValidator(time_zone)]
PlainPath = Annotated[str, AfterValidator(plain_path)]
Network = Annotated[str, AfterValidator(lambda value: str(network(value)))]
Networks = tuple[Network, ...]
