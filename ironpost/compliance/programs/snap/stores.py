"""Directories and databases that are asked for accounts: how, and who can read the logins for them."""

from __future__ import annotations

import re
from typing import Any

from .look import access, run, text_of

MAPS = ("virtual_mailbox_maps", "virtual_alias_maps", "smtpd_sender_login_maps")
TABLE = re.compile(r"\b(?:ldap|pgsql|mysql|sqlite|mongodb):(/[^\s,]+)")
# Files that hold a login and nothing else, as the others name them.
LOGIN = re.compile(r"^\s*!include (/\S+)", re.M)
# A password inside a value, where somebody wrote it there: password=…, and user:…@ of a URI.
INSIDE = re.compile(r"(\bpassword ?= ?)[^\s&@]+|(://[^/@:\s]*:)[^\s@]+(?=@)")
SECRET = re.compile(r"pass(?!file)|pw$|secret", re.I)


def parts() -> dict[str, Any]:
    """`files`: settings without secrets, and access, of each table and of each file beside dovecot.conf."""
    maps, dovecot = run("postconf", "-h", *MAPS), run("doveconf", "-n")
    for found in (maps, dovecot):
        if "error" in found:
            return {"stores": found}
    paths = TABLE.findall(maps["text"]) + re.findall(r"^\s*args = (/\S+)$", dovecot["text"], re.M)
    texts = {path: text_of(path) for path in dict.fromkeys(paths)}
    own = text_of("/etc/dovecot/dovecot.conf")
    everything = "\n".join(text for text in (*texts.values(), own) if isinstance(text, str))
    holding = [path for path, text in texts.items() if holds_login(text)]
    return {
        "stores": {
            "files": {path: settings(text) if isinstance(text, str) else text for path, text in texts.items()},
            "access": {path: access(path) for path in (*holding, *dict.fromkeys(LOGIN.findall(everything)))},
        }
    }


def holds_login(text: Any) -> bool:
    return isinstance(text, str) and re.search(r"^\s*(bind_pw|dnpass) *=|\bpassword ?= ?\S", text, re.M) is not None


def settings(text: str) -> dict[str, str]:
    """`name = value` of each line, further lines of a value included, and nothing that may be a secret."""
    whole = re.sub(r"\\\n\s*|\n[ \t]+(?=\S)", " ", text)
    rows = (line.partition("=") for line in whole.splitlines() if "=" in line and not line.startswith("#"))
    found = {name.strip(): INSIDE.sub(r"\1\2***", value.strip()) for name, _, value in rows}
    return {name: value for name, value in found.items() if not SECRET.search(name)}
