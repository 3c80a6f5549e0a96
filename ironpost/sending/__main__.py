"""`python3 /usr/lib/ironpost/sending DATABASE HOUR DAY FIRST WATCHED`: started by ironpost-sending.service alone."""

import asyncio
import sys
from pathlib import Path

sys.dont_write_bytecode = True
if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from sending import counts, rules, server  # type: ignore[import-not-found]
else:
    from ironpost.sending import counts, rules, server

database, *numbers = sys.argv[1:]
asyncio.run(server.serve(counts.Counts(database), rules.Limits(*map(int, numbers))))
