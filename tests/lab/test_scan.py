"""`ironpost verify --deep`: all 65,535 ports and UDP, from an address that is exempt from limits meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ironpost.lab import Lab
from tests.lab.deployment import DEPLOY, run_command, succeed

HIGH, HELD = 40404, 5353
# A service that somebody tried out and forgot, with the rule that made it work, and one that answers UDP.
FORGOTTEN = f"""
nft insert rule inet ironpost input tcp dport {HIGH} accept
nft insert rule inet ironpost input udp dport {HELD} accept
cat >/run/forgotten.py <<'END'
import socket, threading
tcp = socket.create_server(("", {HIGH}))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("", {HELD}))
threading.Thread(target=lambda: [tcp.accept() for _ in range(99)], daemon=True).start()
while True:
    udp.sendto(b"here", udp.recvfrom(2000)[1])
END
systemd-run --quiet --collect --unit=forgotten python3 /run/forgotten.py
"""


def scanned(lab: Lab) -> dict[str, dict[str, Any]]:
    """Host → row of FW-02, of one run of the literal command."""
    words = ("ironpost", "verify", "inventories/lab.py", "--deep", "--control", "FW-02", "--json", "-")
    done = run_command(lab, *words, seconds=540)
    rows: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    return {row["mailhost"]: row for row in rows}


def exempt(lab: Lab, host: str) -> bool:
    """Whether somebody is still exempt from the limits there."""
    return any("elements" in lab.run(host, f"nft list set inet ironpost scanner_{v}").stdout for v in ("v4", "v6"))


@pytest.fixture(scope="module")
def forgotten(deployed: Lab) -> Iterator[Lab]:
    """mx1 with two services that no role owns; mx2 as it should be."""
    deployed.run("mx1", FORGOTTEN)
    yield deployed
    deployed.run("mx1", "systemctl stop forgotten", check=False)
    succeed(deployed, *DEPLOY)


@pytest.mark.soak
def test_every_port_is_tried_and_what_is_forgotten_is_found_and_explained(forgotten: Lab) -> None:
    """A listener may sit anywhere, and a finding says who holds it and which rule lets it be reached."""
    rows = scanned(forgotten)
    assert rows["mx2.example.com"]["state"] == "holds", rows["mx2.example.com"]
    found = rows["mx1.example.org"]["sides"]
    told = f"port {HIGH} is open (python3 listens, a rule of ours names it)"
    assert found["outside"]["state"] == "broken" and told in found["outside"]["found"], found
    assert f"UDP port {HELD} answers" in found["outside"]["found"]
    assert f":{HIGH} is held by python3" in found["inside"]["found"]
    assert not exempt(forgotten, "mx1") and not exempt(forgotten, "mx2")
