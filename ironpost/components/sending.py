"""How much an account or a relaying machine may send: the small service that Postfix asks about each recipient."""

from __future__ import annotations

from ironpost.component import Component, HostDirectory, HostFile, Unit
from ironpost.mailhost import MailHost
from ironpost.render import render

PROGRAM = "/usr/lib/ironpost/sending/"  # ironpost/sending, which is part of each generation
SERVICE = "/etc/systemd/system/ironpost-sending.service"
SOCKET = "/etc/systemd/system/ironpost-sending.socket"

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
    """The service and its socket."""
    if not mailhost.sends:
        return Component(name="sending")
    return Component(
        name="sending",
        packages=("python3", "postfix"),  # the socket is for Postfix's group
        files=tuple(HostFile(path, render(path, mailhost)) for path in (SOCKET, SERVICE)),
        directories=(HostDirectory("/usr/lib/ironpost"),),  # the service has no rights of root to get through it
        units=(
            Unit("ironpost-sending.socket", restart_on=(SOCKET,)),
            Unit("ironpost-sending.service", restart_on=(SERVICE, PROGRAM)),
        ),
        probes=(ANSWERS,),
    )
