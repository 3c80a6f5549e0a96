"""What rspamd is told, and the keys with which it signs."""

from __future__ import annotations

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

from .look import access, run, text_of
from .tls import public_half

KEPT = Path("/var/lib/rspamd/dkim")
PAIRS = Path("/var/lib/ironpost/dkim.json")
DAY = 86_400
MODULES = ("dkim_signing", "spf", "dmarc", "milter_headers", "force_actions", "options", "multimap", "dkim")


def parts() -> dict[str, Any]:
    modules = rspamd_modules()
    return {"rspamd": modules, "dkim_keys": dkim_keys(modules["dkim_signing"].get("text", ""))}


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
