"""The keys that open accounts by SSH: which, and in files that nobody else may change."""

from __future__ import annotations

import base64
import hashlib
import pwd
import re
from pathlib import Path
from typing import Any

from .look import access, run

KEY = re.compile(r"(?:^|\s)((?:sk-)?(?:ssh|ecdsa)-[\w@.-]+) ([A-Za-z0-9+/=]{40,})")


def parts() -> dict[str, Any]:
    shown = run("sshd", "-T")
    named = re.search(r"^authorizedkeysfile (.+)$", shown.get("text", ""), re.M)
    if not named:
        return {"login keys": shown if "error" in shown else {"error": "sshd does not say where keys are"}}
    files = [each for row in pwd.getpwall() for each in files_of(row, named[1].split())]
    own = [key for path in sorted(Path("/etc/ssh").glob("ssh_host_*_key.pub")) for key in keys(path.read_text())]
    return {"login keys": {"files": files, "of the host": own}}


def files_of(account: pwd.struct_passwd, patterns: list[str]) -> list[dict[str, Any]]:
    """{user, path, access, folder, keys: [{kind, fingerprint}]} of each file that opens this account."""
    paths = [
        Path(account.pw_dir) / pattern.replace("%u", account.pw_name).replace("%h", account.pw_dir)
        for pattern in patterns
    ]
    return [
        {
            "user": account.pw_name,
            "path": str(path),
            "access": access(str(path)),
            "owner": account.pw_uid,
            "folder": access(str(path.parent)),
            "keys": keys(path.read_text(errors="replace")),
        }
        for path in paths
        if path.is_file()
    ]


def keys(text: str) -> list[dict[str, str]]:
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [key for line in lines for key in key_of(line)]


def key_of(line: str) -> list[dict[str, str]]:
    found = KEY.search(line)
    if not found:
        return []
    digest = hashlib.sha256(base64.b64decode(found[2])).digest()
    return [{"kind": found[1], "fingerprint": "SHA256:" + base64.b64encode(digest).decode().rstrip("=")}]
