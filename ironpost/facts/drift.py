"""What is not as declared besides what a deploy would change: listeners, and who changed a file."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator

from ironpost.errors import HostError
from ironpost.facts.look import asked
from ironpost.facts.survey import Difference, Survey
from ironpost.generation import PROGRAM_ON_HOST, Generation
from ironpost.mailhost import MailHost

# A host with an older program knows no such word, and then nobody is named.
CHANGED = f"python3 -B {PROGRAM_ON_HOST} changed 2>/dev/null || echo '{{}}'"


def listeners(generation: Generation, survey: Survey) -> Iterator[Difference]:
    """TCP sockets open to others at ports that no component opens; closed by the firewall or not."""
    wanted = {*generation.ports, generation.mailhost.ssh.port, 22}
    for row in survey.facts.get("listener", []):
        local, _, holders = row.partition(" ")
        address, _, port = local.rpartition(":")
        if int(port) not in wanted and not is_loopback(address):
            who = ", ".join(dict.fromkeys(re.findall(r'"([^"]+)"', holders))) or "nobody known"
            yield Difference("listener", local, f"held by {who}, and no role owns it; stop it")


def is_loopback(address: str) -> bool:
    bare = address.strip("[]").partition("%")[0]
    return bare != "*" and ipaddress.ip_address(bare.removeprefix("::ffff:")).is_loopback


def changers(mailhost: MailHost, survey: Survey) -> dict[str, str]:
    """Path → who changed it last, in the words of ausearch(8), for files that differ; empty where nobody knows."""
    paths = [found.name for found in survey.differences if found.kind == "file" and found.why != "missing"]
    if not paths:
        return {}
    try:
        found: dict[str, str] = json.loads(asked(mailhost, CHANGED, json.dumps(paths))[-1])
    except (HostError, ValueError, IndexError):
        return {}
    return found
