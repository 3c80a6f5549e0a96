"""Fails when fewer tests than before passed on the real hosts of a release: a lab that shrinks must be seen."""

import json
import re
import sys
from pathlib import Path

log, floor = (Path(name) for name in sys.argv[1:3])
found = re.findall(r"^lab: bookworm (\d+) passed, trixie (\d+) passed, skipped (\d+)$", log.read_text(), re.M)
if not found:
    sys.exit("the run says nothing of its lab; expected a line `lab: bookworm N passed, trixie N passed, skipped 0`")
passed = dict(zip(("bookworm", "trixie"), map(int, found[-1][:2]), strict=True))
for release, least in json.loads(floor.read_text()).items():
    if passed[release] < least:
        sys.exit(f"{release}: {passed[release]} tests passed on real hosts; there were {least}")
