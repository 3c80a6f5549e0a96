"""Those who administer a host, by the keys with which they log in."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated

from pydantic import AfterValidator

from ironpost.settings.block import shown

KINDS: tuple[str, ...] = ("ssh-ed25519", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-rsa")
KINDS += ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")


def login_key(value: str) -> str:
    """A public key as it stands in a .pub file: its kind, the key, and whose it is; no options before it."""
    line = value.strip()
    kind, _, rest = line.partition(" ")
    if "PRIVATE KEY" in line:
        raise ValueError("is a private key; write the public one, and make a new pair, since this one was shown")
    if kind not in KINDS or not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}(?: [ -~]*)?", rest):
        raise ValueError(f"{shown(line[:60])} is not a public key; write the line of the .pub file, without options")
    try:
        inner = base64.b64decode(rest.split()[0], validate=True)
    except binascii.Error:
        inner = b""
    if not inner[4:].startswith(kind.encode()):  # RFC 4253 §6.6: the name of the kind comes first
        raise ValueError(f"{shown(line[:60])} is cut short or mixed up; copy the line of the .pub file again")
    return line


LoginKey = Annotated[str, AfterValidator(login_key)]
