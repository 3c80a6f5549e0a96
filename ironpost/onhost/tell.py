"""All that DNS needs to know of this host, told in one visit; private halves and secrets never."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import certificate, host_keys, rotation, spki, tlskeys

SCHEMA = 1


def tell(manifest: dict[str, Any]) -> dict[str, Any]:
    """`dkim`: pairs of signing keys; `tls`: digests of the keys that are, will be or were served; `acme_account`;

    `ssh`: digests of the keys by which sshd shows who it is; `certificate_due`: why one is to be fetched.
    """
    born = manifest.get("tls_keys", [])
    return {
        "schema": SCHEMA,
        "dkim": rotation.tell(manifest),
        "tls": [*files(manifest), *(row for wanted in born for row in tlskeys.public_keys(wanted))],
        "acme_account": tlskeys.read()["account"] if born else None,
        "ssh": host_keys.told(),
        "certificate_due": certificate.due_for_dns() if born else "",
    }


def files(manifest: dict[str, Any]) -> list[dict[str, str]]:
    """The keys of certificates that come from files."""
    return [
        spki.told(spki.of_file(Path(file["path"])), file["state"])
        for file in manifest.get("tls_files", [])
        if Path(file["path"]).is_file()
    ]


def tls_status(manifest: dict[str, Any]) -> dict[str, Any]:
    """Certificates and keys of this host; `files` where they come from files."""
    if manifest.get("tls_keys"):
        return {"files": False} | certificate.status()
    found = {file["path"]: tlskeys.certificates(Path(file["path"])) for file in manifest.get("tls_files", [])}
    leaves = {path: pems[0] for path, pems in found.items() if pems}
    return {"files": True, "certificates": leaves, "keys": files(manifest), "tried": None, "roll": None}
