"""How mail to others is protected: the resolver that is asked, the lookup of policies, and the policies of our own."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from .look import run, text_of

SERVICES = ("ironpost-tls-policy.service", "postfix-mta-sts-resolver.service")
POLICIES = Path("/etc/ironpost/web")
# SOA of the root with RD and AD (RFC 6840 §5.7).
QUESTION = bytes.fromhex("4950 0120 0001 0000 0000 0000 00 0006 0001")
NO_DOMAIN = "192.0.2.1"  # an address has no policy: answered without a question to anybody


def parts() -> dict[str, Any]:
    return {
        "outbound": {
            "resolv.conf": text_of("/etc/resolv.conf"),
            "validated": {"text": "yes" if validated() else "no"},
            "permissive": run("unbound-checkconf", "-o", "val-permissive-mode"),
            "services": run("systemctl", "show", "--property=Id,ActiveState", *SERVICES),
            "lookup": lookup(),
        },
        "policies": {path.parent.name: text_of(str(path)) for path in sorted(POLICIES.glob("*/mta-sts.txt"))},
    }


def validated() -> bool:
    """Whether this host's resolver proves what the root says of itself."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.settimeout(5)
            asked.connect(("127.0.0.1", 53))
            asked.send(QUESTION)
            answer = asked.recv(4096)
    except OSError:
        return False
    return len(answer) > 7 and answer[3] & 0x2F == 0x20 and answer[7] > 0


def lookup() -> dict[str, Any]:
    """What each policy map of Postfix says of a destination without policy: nothing, or an error of the lookup."""
    maps = run("postconf", "-hx", "smtp_tls_policy_maps")
    if "text" not in maps:
        return maps
    shell = 'for map in $1; do postmap -q "$2" "$map" 2>&1; done; true'
    return run("sh", "-c", shell, "sh", maps["text"].replace(",", " "), NO_DOMAIN)
