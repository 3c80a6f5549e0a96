"""What rspamd is told, and the keys with which it signs."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import time
from pathlib import Path
from typing import Any

from .look import access, run, text_of
from .tls import public_half

KEPT = Path("/var/lib/rspamd/dkim")
PAIRS = Path("/var/lib/ironpost/dkim.json")
CONTROLLER = "/run/rspamd/controller.sock"
SECONDS = 20
DAY = 86_400
# A stranger's letter with a signature by SHA-1. Nobody can have this domain (RFC 2606 §2), so that it never holds.
OLD_SIGNATURE = b"""\
DKIM-Signature: v=1; a=rsa-sha1; c=relaxed/relaxed; d=ironpost.invalid; s=sha1;\r
 h=from:subject; bh=uoq1oCgLlTqpdDX/iUbLy7J1Wic=; b=AAAA\r
From: stranger@ironpost.invalid\r
To: postmaster\r
Subject: an old signature\r
Message-ID: <old-signature@ironpost.invalid>\r
Date: Thu, 01 Jan 2026 00:00:00 +0000\r
\r
\r
"""
MODULES: tuple[str, ...] = (
    "dkim_signing",
    "spf",
    "dmarc",
    "milter_headers",
    "force_actions",
    "options",
    "multimap",
    "dkim",
)
MODULES += ("settings", "arc", "whitelist")


def parts() -> dict[str, Any]:
    modules = rspamd_modules()
    signed = modules["dkim_signing"].get("text", "")
    return {"rspamd": modules, "dkim_keys": dkim_keys(signed), "old_signature": judged(OLD_SIGNATURE)}


def judged(letter: bytes) -> dict[str, Any]:
    """The symbols that the running rspamd finds in a letter of a stranger, by asking it; nothing is delivered."""
    found = asked(letter, {"IP": "192.0.2.1", "From": "<>", "Helo": "ironpost.invalid"})
    return found if "error" in found else {"symbols": sorted(found["symbols"])}


def asked(letter: bytes, envelope: dict[str, str]) -> dict[str, Any]:
    """All that the running rspamd says of a letter."""
    connection = http.client.HTTPConnection("localhost", timeout=SECONDS)
    try:
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(SECONDS)
        connection.sock.connect(CONTROLLER)
        connection.request("POST", "/checkv2", letter, envelope)
        found: dict[str, Any] = json.loads(connection.getresponse().read())
        return found if isinstance(found["symbols"], dict) else {"error": f"{CONTROLLER}: names no symbols"}
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        return {"error": f"{CONTROLLER}: {type(error).__name__}: {error}"}
    finally:
        connection.close()


def rspamd_modules() -> dict[str, dict[str, Any]]:
    """Each module's settings as text: rspamadm takes half a second, so that it is asked once for all of them."""
    whole = run("rspamadm", "configdump", "-j")
    if "error" in whole:
        return dict.fromkeys(MODULES, whole)
    try:
        found = json.loads(whole["text"])
    except ValueError as error:
        return {name: {"error": f"rspamadm configdump is not JSON: {error}"} for name in MODULES}
    return {
        name: {"text": json.dumps(found[name])} if name in found else {"error": f"rspamd has no section {name}"}
        for name in MODULES
    }


def dkim_keys(configured: str) -> list[dict[str, Any]]:
    """Each private key that rspamd could sign with, in use or not.

    `told`: what DNS is given of it. `days`: since it was written. `signs`: whether rspamd is told to sign with it.
    `known`: whether a pair names it that is not revoked.
    """
    used = set(re.findall(r'"path"\s*:\s*"([^"$]+)"', configured))
    known = known_paths()
    return [
        dict(
            dkim_key(path),
            told=text_of(path + ".public"),
            days=days_old(path),
            signs=path in used,
            known=path in known,
        )
        for path in sorted(used | {str(path) for path in KEPT.glob("*.key")})
    ]


def known_paths() -> set[str]:
    try:
        domains = json.loads(PAIRS.read_text())["domains"]
    except (OSError, ValueError, KeyError):
        return set()
    return {
        str(KEPT / f"{domain}.{pair[kind]}.key")
        for domain, pairs in domains.items()
        for pair in pairs
        if pair["state"] != "revoked"
        for kind in ("rsa", "ed25519")
    }


def days_old(path: str) -> float:
    try:
        return (time.time() - Path(path).stat().st_mtime) / DAY
    except OSError:
        return 0.0


def dkim_key(path: str) -> dict[str, Any]:
    """rspamd keeps RSA as PEM, and Ed25519 as 64 bytes in base64 of which the last 32 are the public key."""
    found = public_half(path)
    if "error" not in found:
        return dict(found, kind="rsa")
    text = text_of(path)
    if isinstance(text, dict):
        return dict(found, error=text["error"])
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return found
    if len(raw) != 64:
        return found
    return {"path": path, "access": access(path), "kind": "ed25519", "public": base64.b64encode(raw[32:]).decode()}
