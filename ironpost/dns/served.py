"""Whether a policy answers, seen from outside: asked before DNS tells the world that there is one."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import Any

from ironpost.errors import HostError
from ironpost.fleet import Fleet
from ironpost.mailhost.sts import policy
from ironpost.remote import run_at

SECONDS = 10

# Runs at the vantage point with Python alone, and asks as a sender does (RFC 8461 §3.3): the certificate must be valid
# for the name, nothing is redirected, the text is plain. Prints {address: [text, what is wrong]}.
SCRIPT = """
import http.client, json, socket, ssl, sys
seconds, name, found = float(sys.argv[1]), sys.argv[2], {}
for address in sys.argv[3:]:
    try:
        raw = socket.create_connection((address, 443), timeout=seconds)
        web = http.client.HTTPSConnection(name, timeout=seconds)
        web.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=name)
        web.request("GET", "/.well-known/mta-sts.txt")
        reply = web.getresponse()
        kind = reply.headers.get_content_type()
        text = reply.read(65536).decode("ascii", "replace")
        good = reply.status == 200 and kind == "text/plain"
        found[address] = [text, "" if good else "gives status %d and %s" % (reply.status, kind)]
    except ssl.SSLCertVerificationError as error:
        found[address] = ["", "shows a certificate that is not valid for this name (%s)" % error.verify_message]
    except (OSError, http.client.HTTPException) as error:
        found[address] = ["", "does not answer (%s)" % error]
print(json.dumps(found))
"""


def unserved(fleet: Fleet, name: str) -> tuple[str, ...]:
    """A sentence for each address that does not answer with the domain's policy. Raises HostError when nobody can ask.

    Every host that takes the domain's mail must: each of them is an address of the policy's name.
    """
    serving = [mailhost for mailhost in fleet.mailhosts if name in mailhost.domain_names and mailhost.is_mx]
    host = f"mta-sts.{name}"
    wanted = policy(serving[0].domain(name))
    answers = asked(fleet, [str(SECONDS), host, *(address for each in serving for address in each.addresses)])
    told = []
    for mailhost in serving:
        for address in mailhost.addresses:
            text, wrong = answers.get(address, ["", "was not asked"])
            wrong = wrong or ("" if text == wanted else "gives another policy than the inventory's")
            if wrong:
                told.append(
                    f"https://{host}/.well-known/mta-sts.txt at {address} {wrong}; deploy {mailhost.name} with a "
                    "certificate that holds this name, then run this again"
                )
    return tuple(told)


def asked(fleet: Fleet, words: list[str]) -> dict[str, Any]:
    """The answers at the first vantage point, else here."""
    stranger = next((point.ssh for point in fleet.vantage_points if point.ssh), None)
    budget = 20 + 2 * SECONDS * len(words)
    if stranger:
        done = run_at(stranger, fleet.source.parent, f"python3 - {shlex.join(words)}", SCRIPT, seconds=budget)
    else:
        command = [sys.executable, "-c", SCRIPT, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=budget, check=False)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = " ".join(done.stderr.split())[-200:] or f"exits {done.returncode}"
        raise HostError(f"the vantage point cannot ask for policies ({said}); it needs python3") from None
    return found
