"""Letters a second: through port 25 against stock Postfix, and through submission against signing alone."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ironpost.lab import Lab
from ironpost.lab.people import password
from ironpost.mailhost.relaying import RELAY_PORT
from tests.bench.measure import network, row
from tests.lab.deployment import succeed
from tests.lab.inventories import variant

NAME = "bench"
LEAST = 0.8
SESSIONS, LETTERS, BYTES = 20, 100, 4000
SECONDS = 600
GENERATOR = Path(__file__).with_name("generator.py")
ALICE, ANNA = "alice@example.org", "anna@example.org"
STOCK = """
export DEBIAN_FRONTEND=noninteractive
echo postfix postfix/main_mailer_type select 'No configuration' | debconf-set-selections
apt-get -q -y update >/dev/null && apt-get -q -y --no-install-recommends install postfix >/dev/null
cp /usr/share/postfix/main.cf.debian /etc/postfix/main.cf
postconf -e 'mydestination = example.org, localhost' 'home_mailbox = Maildir/' 'inet_interfaces = all'
useradd -m alice; newaliases; systemctl restart postfix
"""
ROOM = """limits=Limits(recipients_per_hour=90000, recipients_per_day=90000, first_time_per_day=90000,
                      smtp_parallel=60, submission_parallel=60, smtp_connections_per_minute=9000,
                      client_connections_per_minute=9000),
        relay_clients=[RelayClient(name="bench", domains=[domain], addresses=[_lab.host("outside").ipv4])],
        postscreen=True,
"""


def main() -> None:
    """letters a second through port 25 and through submission"""
    with network(NAME) as lab:
        compared(lab)


def compared(lab: Lab) -> None:
    """On one host, one after the other: what the machine gives is the same for both."""
    lab.reset("mx1")
    lab.run("mx1", STOCK, timeout=600)
    stock = inbound(lab, lambda: int(lab.run("mx1", "ls /home/alice/Maildir/new 2>/dev/null | wc -l").stdout))
    lab.reset("mx1")
    deployed_with_room(lab)
    ours = inbound(lab, lambda: arrived(lab))
    what = f"port 25 with postscreen and all checks ({ours:.0f}/s) / stock Postfix ({stock:.0f}/s)"
    row(what, f"{ours / stock:.2f}", f"≥ {LEAST}", ours >= LEAST * stock)
    signed = submitted(lab, RELAY_PORT, "plain")
    whole = submitted(lab, 465, "tls", ALICE, password(lab.directory, ALICE))
    ratio = rate(whole) / rate(signed)
    what = f"submission with TLS and login ({rate(whole):.0f}/s) / signing alone ({rate(signed):.0f}/s)"
    row(what, f"{ratio:.2f}", f"≥ {LEAST}", ratio >= LEAST)
    for name, found in (("signing alone", signed), ("submission", whole)):
        print(f"    {name}: 95 of 100 letters are taken within {1000 * late(found['latencies']):.0f} ms")
    print(f"    logins a second, {SESSIONS} at once: {SESSIONS / max(whole['logins']):.1f}")


def deployed_with_room(lab: Lab) -> None:
    with tempfile.TemporaryDirectory() as folder:
        changes = (
            ("import Allow, ", "import Allow, Limits, RelayClient, "),
            ("        admin=admin,\n", f"        admin=admin,\n        {ROOM}"),
        )
        inventory = variant(Path(folder), *changes)
        only = ("--limit", lab.host("mx1").fqdn)
        succeed(lab, "pyinfra", inventory, "deploys/mail.py", "-y", *only)
        succeed(lab, "ironpost", "dns", "apply", inventory)


def inbound(lab: Lab, count: Callable[[], int]) -> float:
    """Letters a second from the first connection to the last letter in the mailbox; a few warm everything up."""
    at = f"[{lab.host('mx1').ipv4}]:25"
    source = f"smtp-source -d -s {SESSIONS} -l {BYTES} -f bob@example.net -t {ALICE} -M mail.example.net -m %d {at}"
    lab.run("outside", source % SESSIONS, timeout=SECONDS)
    waited_for(count, SESSIONS)
    began, total = time.monotonic(), SESSIONS * LETTERS
    lab.run("outside", source % total, timeout=SECONDS)
    waited_for(count, SESSIONS + total)
    return total / (time.monotonic() - began)


def waited_for(count: Callable[[], int], wanted: int) -> None:
    until = time.monotonic() + SECONDS
    while (there := count()) < wanted:
        if time.monotonic() > until:
            raise SystemExit(f"bench: {there} of {wanted} letters arrived within {SECONDS} s")
        time.sleep(0.2)


def arrived(lab: Lab) -> int:
    """Letters in the mailbox and in Junk: where one lies is not measured here."""
    said = lab.run("mx1", f"doveadm mailbox status -u {ALICE} messages INBOX Junk").stdout
    return sum(int(line.rpartition("messages=")[2]) for line in said.splitlines())


def submitted(lab: Lab, port: int, how: str, user: str = "", word: str = "") -> dict[str, Any]:
    """What the generator saw, running on the outside operator's host."""
    job = {"host": lab.host("mx1").ipv4, "port": port, "how": how, "user": user, "password": word}
    job |= {"sender": ALICE, "recipient": ANNA, "sessions": SESSIONS, "letters": LETTERS}
    program = f"import io, sys\nsys.stdin = io.StringIO({json.dumps(job)!r})\n{GENERATOR.read_text()}"
    program = program.replace("from __future__ import annotations\n", "")
    found: dict[str, Any] = json.loads(lab.run("outside", "python3 -", input=program, timeout=SECONDS).stdout)
    if len(found["latencies"]) != SESSIONS * LETTERS:
        raise SystemExit(f"bench: {len(found['latencies'])} of {SESSIONS * LETTERS} letters were taken on port {port}")
    return found


def rate(found: dict[str, Any]) -> float:
    return len(found["latencies"]) / float(found["seconds"])


def late(latencies: list[float]) -> float:
    """Below which 95 of 100 lie."""
    return latencies[int(0.95 * (len(latencies) - 1))]
