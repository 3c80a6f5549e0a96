"""Names the lab's test files in which something failed, to be run once more; exits 1 when a second run proves nothing.

Real hosts on a busy machine miss a deadline now and then. A test that fails twice, the second time alone and on a
network of its own, is broken; so is whatever fails without a network, and so is a run in which much fails.
"""

import re
import sys
from pathlib import Path

MOST_FILES = 3
found = re.findall(r"^(?:FAILED|ERROR) (tests/[\w/]+\.py)", Path(sys.argv[1]).read_text(), re.M)
files = sorted(set(found))
others = [file for file in files if not file.startswith("tests/lab/")]
if not files or others or len(files) > MOST_FILES:
    sys.exit(f"not tried again: {', '.join(others or files) or 'no test is named'}")
print(*files)
