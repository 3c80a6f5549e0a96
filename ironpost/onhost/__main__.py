"""`python3 /usr/lib/ironpost/onhost VERB`."""

import sys
from pathlib import Path

sys.dont_write_bytecode = True
if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from onhost.command import main  # type: ignore[import-not-found]
else:
    from ironpost.onhost.command import main

sys.exit(main(sys.argv[1:]))
