"""Settings for mail programs, as Thunderbird (autoconfig) and Outlook (autodiscover) ask for them."""

from __future__ import annotations

from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ironpost.mailhost import Domain, MailHost

# Microsoft, "Autodiscover for Exchange" (POX response); Mozilla, "Autoconfiguration in Thunderbird", version 1.1.
RESPONSE = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"
OUTLOOK_RESPONSE = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"


class Service(NamedTuple):
    """A port at which a mail program gets or sends mail; all of them are TLS from the first byte (RFC 8314 §3)."""

    kind: str
    port: int


INCOMING = (Service("imap", 993), Service("pop3", 995))
OUTGOING = Service("smtp", 465)


def thunderbird(domain: Domain, mailhost: MailHost) -> str:
    """config-v1.1.xml: this host's servers; the program puts the address in place of %EMAILADDRESS%."""
    root = Element("clientConfig", version="1.1")
    provider = SubElement(root, "emailProvider", id=domain.name)
    for name, text in (("domain", domain.name), ("displayName", domain.name), ("displayShortName", domain.name)):
        SubElement(provider, name).text = text
    for service in (*INCOMING, OUTGOING):
        outgoing = service is OUTGOING
        server = SubElement(provider, "outgoingServer" if outgoing else "incomingServer", type=service.kind)
        for name, text in (
            ("hostname", mailhost.name),
            ("port", str(service.port)),
            ("socketType", "SSL"),
            ("username", "%EMAILADDRESS%"),
            *(("authentication", method) for method in methods(domain)),
        ):
            SubElement(server, name).text = text
    return document(root)


def methods(domain: Domain) -> tuple[str, ...]:
    """How a program may log in, the first one that it knows; all inside TLS. Passwords stay the first where both open,

    because Thunderbird asks for tokens only from providers that it has built in.
    """
    if domain.openid is None:
        return ("password-cleartext",)
    return ("OAuth2",) if domain.openid.passwords == "none" else ("password-cleartext", "OAuth2")


def outlook(domain: Domain, mailhost: MailHost) -> str:
    """autodiscover.xml, the same for everyone: without LoginName, Outlook takes the part before the @ as the login, and

    with DomainRequired it adds this domain; the address itself could only be repeated by a program.
    """
    root = Element("Autodiscover", xmlns=RESPONSE)
    account = SubElement(SubElement(root, "Response", xmlns=OUTLOOK_RESPONSE), "Account")
    SubElement(account, "AccountType").text = "email"
    SubElement(account, "Action").text = "settings"
    for service in (*INCOMING, OUTGOING):
        protocol = SubElement(account, "Protocol")
        for name, text in (
            ("Type", service.kind.upper()),
            ("Server", mailhost.name),
            ("Port", str(service.port)),
            ("DomainRequired", "on"),
            ("DomainName", domain.name),
            ("SPA", "off"),
            ("SSL", "on"),
            ("AuthRequired", "on"),
        ):
            SubElement(protocol, name).text = text
        if service is OUTGOING:
            SubElement(protocol, "UsePOPAuth").text = "on"
            SubElement(protocol, "SMTPLast").text = "off"
    return document(root)


def document(root: Element) -> str:
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'
