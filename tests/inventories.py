"""Inventories written for a test: a folder with users, a certificate and a key, and whatever the test says."""

from __future__ import annotations

import textwrap
from pathlib import Path

HASH = "$argon2id$v=19$m=65536,t=3,p=1$vusHU4gVRJhUm0PLhwR/rQ$bIj6/UftQqt/fUOJmXOfphMHweIvJyIpbe059P9Sxao"

IMPORTS = """
from ironpost.fleet import fleet
from ironpost.mailhost import Domain, MailHost
from ironpost.secret import Secret
from ironpost.settings import Acme, Allow, CertificateFiles, Dkim, Limits, Parked, Rfc2136, Ssh, TsigKey, VantagePoint
"""

GOOD = {
    "name": '"mx1.example.org"',
    "release": '"trixie"',
    "tls": '"modern"',
    "ipv4": '"127.0.0.1"',
    "admin": '"anna@example.org"',
    "domains": '[Domain(name="example.org", users="users/example.org.toml")]',
    "certificate": 'CertificateFiles(chain="chain.pem", key=Secret.file("key.pem"))',
}


def mailhost(**changes: str | None) -> str:
    """The text of one MailHost(…); each change is Python text, None leaves the setting out."""
    settings = {name: text for name, text in (GOOD | changes).items() if text is not None}
    return "MailHost(" + ", ".join(f"{name}={text}" for name, text in settings.items()) + ")"


def write_inventory(folder: Path, *hosts: str, before: str = "", after: str = "", options: str = "") -> Path:
    """Writes an inventory of these hosts, with everything that it names, and returns its path."""
    (folder / "users").mkdir(exist_ok=True)
    (folder / "users" / "example.org.toml").write_text(f'[anna]\npassword = "{HASH}"\n')
    (folder / "chain.pem").write_text("made for a test of settings\n")
    key = folder / "key.pem"
    key.touch(mode=0o600)
    key.write_text("made for a test of settings\n")
    path = folder / "inventory.py"
    call = f"mail = fleet({', '.join([*hosts, *([options] if options else [])])})"
    path.write_text("\n".join([IMPORTS, textwrap.dedent(before), call, textwrap.dedent(after), ""]))
    return path
