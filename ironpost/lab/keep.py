"""Files of a lab's own directory, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def keep(path: Path, content: bytes, mode: int) -> None:
    """Put `content` at `path`; no reader sees half of it, and it never has a wider mode than asked."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.chmod(mode)
    partial.replace(path)
