"""All that DNS needs to know of this host, told in one visit; private halves and secrets never."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import host_keys, keys, spki

SCHEMA = 1


def tell(manifest: dict[str, Any]) -> dict[str, Any]:
    """`dkim`: public signing keys; `tls`: digests of the keys that are, will be or were served; `acme_account`;

    `ssh`: digests of the keys by which sshd shows who it is.
    """
    return {
        "schema": SCHEMA,
        "dkim": keys.public_keys(manifest),
        "tls": [
            spki.told(spki.of_file(Path(file["path"])), file["state"])
            for file in manifest.get("tls_files", [])
            if Path(file["path"]).is_file()
        ],
        "acme_account": None,
        "ssh": host_keys.told(),
    }
