"""`python3 /usr/lib/ironpost/sending DATABASE HOUR DAY FIRST WATCHED`: started by ironpost-sending.service alone.

`… exchange DATABASE FOLDER` by ironpost-counts.service, where several hosts of a fleet send.
"""

import asyncio
import sys
from pathlib import Path

sys.dont_write_bytecode = True
if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from sending import counts, exchange, peers, rules, server  # type: ignore[import-not-found]
else:
    from ironpost.sending import counts, exchange, peers, rules, server

if sys.argv[1] == "exchange":
    settings = exchange.Settings.read(Path(sys.argv[3]))
    known = peers.Peers(counts.Counts(sys.argv[2]), tuple(settings.peers))
    asyncio.run(exchange.Exchange(known, settings).run())
else:
    database, *numbers = sys.argv[1:]
    asyncio.run(server.serve(counts.Counts(database), rules.Limits(*map(int, numbers))))
