"""DKIM keys: born here, read here, and only their public halves are ever told."""

from __future__ import annotations

import base64
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

from .state import Refused

OWNER = "_rspamd"
RSA_2048_BYTES = 294
WEAK = {"rsa": "is not an RSA key of 2048 bits", "ed25519": "is not an Ed25519 key"}


def difference(key: dict[str, Any]) -> str | None:
    path = Path(key["path"])
    if not path.is_file() or not public_path(path).is_file():
        return "missing"
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return f"mode is {mode:o}, should be 600"
    if path.owner() != OWNER:
        return f"belongs to {path.owner()}, should belong to {OWNER}"
    public = public_half(key, path)
    if public is None:
        return WEAK[key["kind"]]
    return None if public_path(path).read_text().strip() == public else "its public half is told wrongly"


def public_half(key: dict[str, Any], path: Path) -> str | None:
    """What DNS is to be given, derived from the private key; None for a key that is not of the kind and size asked."""
    if key["kind"] == "ed25519":
        try:
            raw = base64.b64decode("".join(path.read_text().split()), validate=True)
        except ValueError:
            return None
        return base64.b64encode(raw[32:]).decode() if len(raw) == 64 else None
    command = ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"]
    done = subprocess.run(command, capture_output=True, check=False)
    # SubjectPublicKeyInfo of RSA-2048 with the usual exponent has exactly this length
    return base64.b64encode(done.stdout).decode() if len(done.stdout) == RSA_2048_BYTES else None


def public_path(path: Path) -> Path:
    return path.with_name(path.name + ".public")


def make(key: dict[str, Any]) -> None:
    """A missing key is made; one with wrong access is put right; one that is there stays."""
    path = Path(key["path"])
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.chown(path.parent, OWNER, OWNER)
    if not path.is_file() or public_half(key, path) is None:
        path.unlink(missing_ok=True)
        bear(key, path)
    public_path(path).write_text(str(public_half(key, path)))
    shutil.chown(path, OWNER, OWNER)
    path.chmod(0o600)


def bear(key: dict[str, Any], path: Path) -> None:
    """RSA-2048 (RFC 8301 §3.2) or Ed25519 (RFC 8463)."""
    kind = ["-b", "2048"] if key["kind"] == "rsa" else ["-t", "ed25519"]
    command = ["rspamadm", "dkim_keygen", "-d", key["domain"], "-s", key["selector"], "-k", str(path), *kind]
    mask = os.umask(0o077)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        os.umask(mask)
    if done.returncode or public_half(key, path) is None:
        raise Refused(f"{key['domain']}: rspamadm dkim_keygen made no key (it exits {done.returncode}); try it by hand")


def public_keys(manifest: dict[str, Any]) -> list[dict[str, str]]:
    """The public half of each key of a generation, for DNS."""
    return [
        {
            "domain": key["domain"],
            "selector": key["selector"],
            "kind": key["kind"],
            "public": public_path(Path(key["path"])).read_text().strip(),
        }
        for key in manifest.get("dkim_keys", [])
        if public_path(Path(key["path"])).is_file()
    ]
