"""The firewall as its file has it, bans, sending limits, and what another user than Postfix's can reach."""

from __future__ import annotations

import socket
from typing import Any

from .look import packages, run, text_of

UNITS = ("nftables.service", "fail2ban.service", "ironpost-sending.service", "ironpost-sending.socket")
MANAGERS = ("ufw", "firewalld", "iptables-persistent", "netfilter-persistent", "shorewall", "ferm")
SENDING = "/run/ironpost-sending.sock"
MOST_BYTES = 65536  # it names every other host that it counts together with
# Another address of the host's own network: a rule that rejects answers at once, before anything is sent there.
TRY = """
import ipaddress, json, os, socket, subprocess, sys
shown = json.loads(subprocess.run(["ip", "-j", "address", "show", "scope", "global"], capture_output=True).stdout)
own = [(each["local"], each["prefixlen"]) for link in shown for each in link["addr_info"] if "local" in each]
os.setgid(65534); os.setuid(65534)
for address, length in own:
    if length < ipaddress.ip_address(address).max_prefixlen:
        for port in map(int, sys.argv[1:]):
            try:
                socket.create_connection((str(ipaddress.ip_address(address) + 1), port), 1).close()
                print(address, port, "connected")
            except OSError as error:
                print(address, port, type(error).__name__)
"""


def parts() -> dict[str, Any]:
    return {
        "doors": {
            "file": run("unshare", "--net", "sh", "-c", "nft -f /etc/nftables.conf && nft -j list ruleset"),
            "units": run("systemctl", "show", "--property=Id,ActiveState,UnitFileState", *UNITS),
            "managers": managers(),
            "outgoing": run("python3", "-c", TRY, "25", "465", "587"),
            "sessions": run("ss", "-Htn", "state", "established"),
            "leaving": run("python3", "-c", TRY, "443"),
            "jails": run("fail2ban-client", "status"),
            "read by bans": run("fail2ban-client", "get", "ironpost-logins", "journalmatch"),
            "never": run("fail2ban-client", "get", "ironpost-logins", "ignoreip"),
            "sending": sending(),
            "submission": text_of("/etc/postfix/submission_access"),
        }
    }


def managers() -> dict[str, Any]:
    """Those that are installed, a line each."""
    found = packages("${db:Status-Abbrev} ${Package}\n", *MANAGERS)
    if "error" in found:
        return found
    rows = [line.split() for line in found["text"].splitlines()]
    return {"text": "\n".join(row[-1] for row in rows if row[0].startswith("i"))}


def sending() -> dict[str, Any]:
    """What the running service says is in force."""
    try:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(5)
            asked.connect(SENDING)
            asked.sendall(b"request=ironpost_status\n\n")
            told = b""
            while not told.endswith(b"\n\n") and len(told) < MOST_BYTES and (more := asked.recv(MOST_BYTES)):
                told += more
            return {"text": told.decode().strip()}
    except OSError as error:
        return {"error": f"{SENDING}: {error}"}
