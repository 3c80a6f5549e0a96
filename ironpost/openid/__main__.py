"""`python3 /usr/lib/ironpost/openid PROVIDERS ACCOUNTS KEYS`: started by ironpost-openid.service alone."""

import asyncio
import sys
from pathlib import Path

sys.dont_write_bytecode = True
if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from openid import server  # type: ignore[import-not-found]
else:
    from ironpost.openid import server

asyncio.run(server.serve(*map(Path, sys.argv[1:])))
