"""What Postfix is told, service by service."""

from __future__ import annotations

from typing import Any

from .look import run
from .tls import tls_config


def parts() -> dict[str, Any]:
    main = run("postconf", "-x")
    return {
        "postfix": {
            "main": main,
            "services": run("postconf", "-M"),
            "overrides": run("postconf", "-Px"),
            "tls_config": tls_config(main.get("text", "")),
        }
    }
