"""The files of DKIM keys: born here, read here, and only their public halves are ever told."""

from __future__ import annotations

import base64
import os
import shutil
import stat
import subprocess
from pathlib import Path

from .state import Refused

FOLDER = Path("/var/lib/rspamd/dkim")
OWNER = "_rspamd"
KINDS = ("rsa", "ed25519")
RSA_2048_BYTES = 294
WEAK = {"rsa": "is not an RSA key of 2048 bits", "ed25519": "is not an Ed25519 key"}


def path_of(domain: str, selector: str) -> Path:
    return FOLDER / f"{domain}.{selector}.key"


def signing_file(domain: str) -> Path:
    """Which keys rspamd signs with; included by rspamd.conf.override in the section of the domain."""
    return FOLDER / f"{domain}.signing"


def public_path(path: Path) -> Path:
    return path.with_name(path.name + ".public")


def difference(kind: str, path: Path) -> str | None:
    if not path.is_file() or not public_path(path).is_file():
        return "missing"
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return f"mode is {mode:o}, should be 600"
    if path.owner() != OWNER:
        return f"belongs to {path.owner()}, should belong to {OWNER}"
    public = public_half(kind, path)
    if public is None:
        return WEAK[kind]
    return None if public_path(path).read_text().strip() == public else "its public half is told wrongly"


def public_half(kind: str, path: Path) -> str | None:
    """What DNS is to be given, derived from the private key; None for a key that is not of the kind and size asked."""
    if kind == "ed25519":
        try:
            raw = base64.b64decode("".join(path.read_text().split()), validate=True)
        except ValueError:
            return None
        return base64.b64encode(raw[32:]).decode() if len(raw) == 64 else None
    command = ["openssl", "pkey", "-in", str(path), "-pubout", "-outform", "DER"]
    done = subprocess.run(command, capture_output=True, check=False)
    # SubjectPublicKeyInfo of RSA-2048 with the usual exponent has exactly this length
    return base64.b64encode(done.stdout).decode() if len(done.stdout) == RSA_2048_BYTES else None


def make(domain: str, selector: str, kind: str) -> None:
    """A missing key is made; one with wrong access is put right; one that is there stays."""
    path = path_of(domain, selector)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.chown(path.parent, OWNER, OWNER)
    if not path.is_file() or public_half(kind, path) is None:
        path.unlink(missing_ok=True)
        bear(domain, selector, kind, path)
    public_path(path).write_text(str(public_half(kind, path)))
    shutil.chown(path, OWNER, OWNER)
    path.chmod(0o600)


def bear(domain: str, selector: str, kind: str, path: Path) -> None:
    """RSA-2048 (RFC 8301 §3.2) or Ed25519 (RFC 8463)."""
    size = ["-b", "2048"] if kind == "rsa" else ["-t", "ed25519"]
    command = ["rspamadm", "dkim_keygen", "-d", domain, "-s", selector, "-k", str(path), *size]
    mask = os.umask(0o077)
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        os.umask(mask)
    if done.returncode or public_half(kind, path) is None:
        raise Refused(f"{domain}: rspamadm dkim_keygen made no key (it exits {done.returncode}); try it by hand")


def destroy(domain: str, selector: str) -> None:
    """The private key first: without it nobody signs any more. Blocks that a disk has put aside are out of reach."""
    path = path_of(domain, selector)
    if path.is_file():
        with path.open("r+b") as file:
            file.write(bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
    public_path(path).unlink(missing_ok=True)


def told(domain: str, selector: str) -> str:
    """The public half as DNS is given it; empty for a key that is gone."""
    path = public_path(path_of(domain, selector))
    return path.read_text().strip() if path.is_file() else ""


def kept(domain: str) -> set[str]:
    """Selectors of the private keys of a domain that lie here, whoever knows of them."""
    start = len(domain) + 1
    names = (path.name.removesuffix(".key")[start:] for path in FOLDER.glob(f"{domain}.*.key"))
    return {name for name in names if "." not in name}
