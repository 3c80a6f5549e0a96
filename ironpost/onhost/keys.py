"""DKIM keys: born here, read here, and only their public halves are ever told."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

from .state import Refused

OWNER = "_rspamd"


def difference(key: dict[str, Any]) -> str | None:
    path = Path(key["path"])
    if not path.is_file() or not public_path(path).is_file():
        return "missing"
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return f"mode is {mode:o}, should be 600"
    return None if path.owner() == OWNER else f"belongs to {path.owner()}, should belong to {OWNER}"


def public_path(path: Path) -> Path:
    return path.with_name(path.name + ".public")


def make(key: dict[str, Any]) -> None:
    """A missing key is made; one with wrong access is put right; one that is there stays."""
    path = Path(key["path"])
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.chown(path.parent, OWNER, OWNER)
    if not path.is_file() or not public_path(path).is_file():
        path.unlink(missing_ok=True)
        bear(key, path)
    shutil.chown(path, OWNER, OWNER)
    path.chmod(0o600)


def bear(key: dict[str, Any], path: Path) -> None:
    """RSA-2048 (RFC 8301 §3.2) or Ed25519 (RFC 8463). The public half is kept beside it as `p=` wants it."""
    kind = ["-b", "2048"] if key["kind"] == "rsa" else ["-t", "ed25519"]
    command = ["rspamadm", "dkim_keygen", "-d", key["domain"], "-s", key["selector"], "-k", str(path), *kind]
    mask = os.umask(0o077)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        os.umask(mask)
    if done.returncode:
        raise Refused(f"{key['domain']}: rspamadm dkim_keygen exits {done.returncode}; try it by hand")
    joined = "".join(re.findall(r'"([^"]*)"', done.stdout))
    public = re.search(r"p=([A-Za-z0-9+/=]+)", joined)
    if not public:
        raise Refused(f"{key['domain']}: rspamadm dkim_keygen printed no public key; check the version of rspamd")
    public_path(path).write_text(public[1])


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
