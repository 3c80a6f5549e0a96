"""How much an account or a relaying machine may send: the small service that Postfix asks about each recipient.

Where several hosts of a fleet send, a second one beside it tells them what each of them counted.
"""

from __future__ import annotations

import json

from ironpost.component import Component, HostDirectory, HostFile, Port, Unit
from ironpost.components.inner import AUTHORITY, CHAIN, KEY
from ironpost.mailhost import MailHost
from ironpost.render import render

PROGRAM = "/usr/lib/ironpost/sending/"  # ironpost/sending, which is part of each generation
SERVICE = "/etc/systemd/system/ironpost-sending.service"
SOCKET = "/etc/systemd/system/ironpost-sending.socket"
COUNTS = "/etc/systemd/system/ironpost-counts.service"
PEERS = "/etc/ironpost/counts.json"

# Asks the running service which limits are in force.
ANSWERS = """python3 -c '
import socket
with socket.socket(socket.AF_UNIX) as asked:
    asked.settimeout(5)
    asked.connect("/run/ironpost-sending.sock")
    asked.send(b"request=ironpost_status\\n\\n")
    raise SystemExit(not asked.recv(200).startswith(b"action=hour="))
'"""


def sending(mailhost: MailHost) -> Component:
    """The service and its socket, and what it needs to count together with others."""
    if not mailhost.sends:
        return Component(name="sending")
    return Component(
        name="sending",
        packages=("python3", "postfix"),  # the socket is for Postfix's group
        files=(*(HostFile(path, render(path, mailhost)) for path in (SOCKET, SERVICE)), *together_files(mailhost)),
        directories=(HostDirectory("/usr/lib/ironpost"),),  # the service has no rights of root to get through it
        units=(
            Unit("ironpost-sending.socket", restart_on=(SOCKET,)),
            Unit("ironpost-sending.service", restart_on=(SERVICE, PROGRAM)),
            *together_units(mailhost),
        ),
        ports=together_ports(mailhost),
        probes=(ANSWERS, *((f"ss -Hltn 'sport = :{mailhost.counts_port}' | grep -q .",) * bool(mailhost.counts_port))),
    )


def together_files(mailhost: MailHost) -> tuple[HostFile, ...]:
    """The second service, and whom it asks: addresses, so that it needs no resolver."""
    if not mailhost.counts_with:
        return ()
    peers = {member.name: member.addresses for member in mailhost.counts_with}
    said = json.dumps({"port": mailhost.counts_port, "peers": peers}, indent=1) + "\n"
    return HostFile(COUNTS, render(COUNTS, mailhost)), HostFile(PEERS, said)


def together_units(mailhost: MailHost) -> tuple[Unit, ...]:
    """Certificates are read when it starts."""
    if not mailhost.counts_with:
        return ()
    return (Unit("ironpost-counts.service", restart_on=(COUNTS, PEERS, PROGRAM, AUTHORITY, CHAIN, KEY)),)


def together_ports(mailhost: MailHost) -> tuple[Port, ...]:
    if not mailhost.counts_with:
        return ()
    return (Port(mailhost.counts_port, "sending limits of the fleet", sources=("fleet",)),)
