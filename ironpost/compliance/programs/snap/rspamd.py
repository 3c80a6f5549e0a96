"""What rspamd is told, and the keys with which it signs."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from .look import access, run, text_of
from .tls import public_half

KEPT = Path("/var/lib/rspamd/dkim")
MODULES = ("dkim_signing", "spf", "dmarc", "milter_headers", "force_actions", "options", "multimap", "dkim")


def parts() -> dict[str, Any]:
    return {"rspamd": rspamd_modules(), "dkim_keys": dkim_keys()}


def rspamd_modules() -> dict[str, Any]:
    return {name: run("rspamadm", "configdump", "-j", name) for name in MODULES}


def dkim_keys() -> list[dict[str, Any]]:
    """Each signing key that rspamd has, in use or not; `told` is what DNS is given of it."""
    configured = run("rspamadm", "configdump", "-j", "dkim_signing").get("text", "")
    paths = set(re.findall(r'"path"\s*:\s*"([^"$]+)"', configured)) | {str(path) for path in KEPT.glob("*.key")}
    return [dict(dkim_key(path), told=text_of(path + ".public")) for path in sorted(paths)]


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
