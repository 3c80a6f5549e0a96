"""What the ports of this host serve, and whether Postfix's own DANE client believes them."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .look import run, text_of

STATE = "/var/lib/ironpost/tls/state.json"
PORTS = (25, 465, 587, 993, 995)
SECONDS = 15.0


def parts() -> dict[str, Any]:
    """`tls_rolls`: rollovers of the past; `dane_client`: what posttls-finger(1) says;

    `serving`: port → digest of the leaf.
    """
    name = run("postconf", "-h", "myhostname").get("text", "").strip()
    with ThreadPoolExecutor() as pool:
        client = pool.submit(run, "posttls-finger", "-c", "-t", "15", "-l", "dane-only", "-L", "summary", f"[{name}]")
        leaves = dict(zip(PORTS, pool.map(leaf, PORTS), strict=True))
    return {
        "tls_rolls": rolls(),
        "dane_client": client.result(),
        "serving": {str(port): seen for port, seen in leaves.items()},
    }


def rolls() -> Any:
    """When keys were announced and served: {shown, ttl, switched} of each rollover; none where there is no state."""
    state = text_of(STATE) if Path(STATE).exists() else "{}"
    return state if isinstance(state, dict) else {"text": json.dumps(json.loads(state).get("rolls", []))}


def leaf(port: int) -> Any:
    """SHA-256 of the certificate that a port serves on loopback, or why there is none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as plain:
            if port in (25, 587):
                upgrade(plain)
            with context.wrap_socket(plain) as secret:
                return hashlib.sha256(secret.getpeercert(binary_form=True) or b"").hexdigest()
    except OSError as error:
        return {"error": f"port {port} on loopback: {error}"}


def upgrade(plain: socket.socket) -> None:
    """SMTP up to the point where TLS begins (RFC 3207)."""
    lines = plain.makefile("rb")
    for command in (b"", b"EHLO localhost.localdomain\r\n", b"STARTTLS\r\n"):
        plain.sendall(command)
        while lines.readline()[3:4] == b"-":
            pass
