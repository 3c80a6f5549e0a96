"""Where the host stands: what can be shown of it depends on that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

CONTAINER = Path("/run/systemd/container")  # written by systemd, see its CONTAINER_INTERFACE
TEST_NETWORK = Path("/etc/ironpost-lab")  # put there by ironpost/lab/identity.py alone


def parts() -> dict[str, Any]:
    container = CONTAINER.read_text().strip() if CONTAINER.exists() else ""
    return {"place": {"container": container, "test network": "yes" if TEST_NETWORK.exists() else "no"}}
