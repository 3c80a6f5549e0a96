"""`make sabotage`: every sabotage of the table on a live lab, the table of outcomes at the end; exit 1 unless all good.

python -m tests.lab.sabotage [--again] [CONTROL …]
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

from ironpost.lab import Lab, LabError, down, up
from tests.lab.deployment import DEPLOY, TOP, succeed
from tests.lab.sabotage.campaign import Campaign, left_broken, table
from tests.lab.sabotage.policy import APPLY
from tests.lab.sabotage.rounds import standing, verdicts
from tests.lab.sabotage.table import every
from tests.soak import of_part

KEPT = "sabotage.json"


def version() -> str:
    """Of the code that is tested: the commit, and what was changed since."""
    words = (["rev-parse", "HEAD"], ["diff", "HEAD", "--shortstat"])
    return " ".join(
        subprocess.run(["git", *each], cwd=TOP, capture_output=True, text=True, check=False).stdout.strip()
        for each in words
    )


def ready(name: str) -> Lab:
    """A lab on which every control holds: what is red later is a sabotage's work."""
    lab = up(name)
    for host, sabotage in left_broken(lab.directory / KEPT, every()):
        with contextlib.suppress(LabError):  # it may have been put right already
            if sabotage.mends:
                sabotage.mends(lab, host)
    succeed(lab, *DEPLOY)
    succeed(lab, *APPLY)
    found = standing(verdicts(lab))
    if found:
        sys.exit("the lab is not clean before the first sabotage:\n" + "\n".join(found))
    return lab


def main(words: list[str]) -> int:
    name = os.environ.get("IRONPOST_TEST_LAB") or "test"
    os.environ["IRONPOST_LAB"] = name
    wanted = [word.upper() for word in words if not word.startswith("--")]
    chosen = of_part(every())
    sabotages = {key: each for key, each in every().items() if key in chosen and (not wanted or each.control in wanted)}
    lab = ready(name)
    path = lab.directory / KEPT
    if "--again" in words:
        path.unlink(missing_ok=True)
    campaign = Campaign(lab, path, version(), lambda line: print(line, flush=True))
    good = campaign.run(sabotages)
    print(table(sabotages, campaign.outcomes))
    if good and not os.environ.get("IRONPOST_TEST_KEEP"):
        down(name)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
