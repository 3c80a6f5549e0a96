"""Who may log in, and how well the passwords are kept."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from .look import access, run, text_of

# What holds mail or answers for logins.
PRIVATE = (
    "/var/vmail",
    "/run/dovecot/auth-userdb",
    "/var/spool/postfix/private/auth",
    "/var/spool/postfix/private/dovecot-lmtp",
)


def parts() -> dict[str, Any]:
    dovecot = run("doveconf", "-n")
    return {
        "dovecot": dovecot,
        "passwords": password_rows(dovecot.get("text", "")),
        "mail_access": {path: with_acl(path) for path in PRIVATE},
    }


def with_acl(path: str) -> dict[str, Any] | None:
    """Mode and owner, and whether an access list stands besides (getfacl shows in the mode only its mask)."""
    found: dict[str, Any] | None = access(path)
    if found is not None:
        found["acl"] = "system.posix_acl_access" in os.listxattr(path)
    return found


def password_rows(dovecot: str) -> Any:
    """Rows of each passwd-file of Dovecot, reduced to who, scheme, parameters and a digest of the salt."""
    rows = []
    for path in sorted(set(re.findall(r"(?:passwd_file_path = |username_format=%\S+ )(/\S+)", dovecot))):
        for file in files_of(path):
            text = text_of(file)
            if isinstance(text, dict):
                return text
            rows += [password_row(line) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {"rows": rows}


def files_of(path: str) -> list[str]:
    """A name that differs by service (`users.%s`, `users.%{protocol}`) stands for several files."""
    start, variable, _ = path.partition("%")
    return sorted(str(found) for found in Path(start).parent.glob(Path(start).name + "*")) if variable else [path]


def password_row(line: str) -> dict[str, Any]:
    user, _, rest = line.partition(":")
    hashed = rest.split(":")[0]
    scheme = re.match(r"\{([^}]*)\}", hashed)
    body = hashed[scheme.end() :] if scheme else hashed
    cost = dict(re.findall(r"\b([mtp])=(\d+)", body))
    fields = body.split("$")
    salt = fields[4] if len(fields) > 5 else ""
    return {
        "user": user,
        "scheme": scheme.group(1).upper() if scheme else "",
        "kind": fields[1] if len(fields) > 2 else "",
        "cost": {name: int(value) for name, value in cost.items()},
        "locked": bool(re.fullmatch("A+", fields[-1])),
        "salt": hashlib.sha256(salt.encode()).hexdigest() if salt else "",
    }
