"""What Postfix is told, service by service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .look import run
from .tls import tls_config

TABLES = ("client_certificates", "relay_clients", "smarthosts", "smarthost_tls")


def parts() -> dict[str, Any]:
    main = run("postconf", "-x")
    return {
        "postfix": {
            "main": main,
            "services": run("postconf", "-M"),
            "overrides": run("postconf", "-Px"),
            "relaying": {name: rows_of(f"/etc/postfix/{name}") for name in TABLES},
            "tls_config": tls_config(main.get("text", "")),
        }
    }


def rows_of(path: str) -> dict[str, str]:
    """A table of texthash or cidr: key → value; none where the host has no such table."""
    if not Path(path).exists():
        return {}
    lines = Path(path).read_text().splitlines()
    rows = (line.split(None, 1) for line in lines if line.strip() and not line.startswith("#"))
    return {row[0]: row[1].strip() for row in rows if len(row) == 2}
