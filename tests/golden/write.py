"""Writes the golden files anew: `python tests/golden/write.py`, or `make golden`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.golden.trees import MAILHOSTS, write_golden

for mailhost in MAILHOSTS:
    write_golden(mailhost)
    sys.stdout.write(f"tests/golden/{mailhost.name}\n")
