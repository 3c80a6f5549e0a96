"""dns-01 (RFC 8555 §8.4): certbot calls this to publish and to withdraw a proof, by dynamic update (RFC 2136).

The key may write `_acme-challenge` names and nothing else. A proof counts as published only when every authoritative
server shows it: the authority may ask any of them.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from .state import Refused

CONFIG = Path("/etc/ironpost/certificate.json")
# A resolver that kept the last proof would show it to the authority in place of the next one.
TTL = 1
SECONDS = 90
QUERY_SECONDS = 5


def prove(verb: str) -> int:
    """`present` or `clean`, with the name and the proof in the environment, as certbot(1) gives them."""
    way = json.loads(CONFIG.read_text())["dns"]
    name = f"_acme-challenge.{os.environ['CERTBOT_DOMAIN'].removeprefix('*.')}."
    proof = os.environ["CERTBOT_VALIDATION"]
    update(way, name, proof, present=verb == "present")
    if verb == "present":
        wait(way["servers"], name, proof)
    return 0


def update(way: dict[str, Any], name: str, proof: str, present: bool) -> None:
    """One proof more, or less; those of other names and attempts stay. Raises Refused."""
    import dns.exception
    import dns.query
    import dns.rcode
    import dns.tsig
    import dns.update

    key = dns.tsig.Key(way["key"], Path(way["secret_file"]).read_text().strip(), way["algorithm"])
    message = dns.update.UpdateMessage(zone_of(way["primary"], name))
    message.use_tsig(key)
    if present:
        message.add(dns.name.from_text(name), TTL, "TXT", f'"{proof}"')
    else:
        message.delete(dns.name.from_text(name), "TXT", f'"{proof}"')
    try:
        said = dns.query.tcp(message, way["primary"], timeout=QUERY_SECONDS).rcode()
    except (OSError, EOFError, dns.exception.DNSException) as error:
        raise Refused(f"{way['primary']}: takes no update of {name} ({type(error).__name__})") from None
    if said:
        raise Refused(f"{way['primary']}: refuses the update of {name} ({dns.rcode.to_text(said)})")


def zone_of(server: str, name: str) -> Any:
    """The zone that a name lies in: whose SOA the server gives for it, in the answer or beside a denial."""
    import dns.rdatatype

    while name != ".":
        answer = ask(server, name, "SOA")
        for rrset in (*answer.answer, *answer.authority):
            if rrset.rdtype == dns.rdatatype.SOA:
                return rrset.name
        name = name.partition(".")[2] or "."
    raise Refused(f"{server}: gives no SOA; name the primary server of the zone")


def ask(server: str, name: str, rtype: str) -> Any:
    import dns.exception
    import dns.message
    import dns.query

    try:
        return dns.query.tcp(dns.message.make_query(name, rtype), server, timeout=QUERY_SECONDS)
    except (OSError, EOFError, dns.exception.DNSException) as error:
        raise Refused(f"{server}: the name server does not answer ({type(error).__name__})") from None


def wait(servers: list[str], name: str, proof: str) -> None:
    """Until every server shows the proof. Raises Refused, naming one that does not in time."""
    until = time.monotonic() + SECONDS
    for server in servers:
        while not any(proof in rrset.to_text() for rrset in ask(server, name, "TXT").answer):
            if time.monotonic() > until:
                raise Refused(f"{server}: does not show {name} after {SECONDS} s")
            time.sleep(0.5)
