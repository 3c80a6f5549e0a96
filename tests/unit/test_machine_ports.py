"""main.cf names what master.cf uses and nothing besides: postconf warns of what is unused, and a warning refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ironpost.inventory import read_inventory
from ironpost.render import render
from tests.inventories import mailhost, write_inventory

PRINTER = f'RelayClient(name="printer", domains=["example.org"], certificate="{"AB" * 32}")'
NAS = 'RelayClient(name="nas", domains=["example.org"], addresses=["192.0.2.7"])'
OWN = re.compile(r"^((?:certificate|address)_relay_restrictions|machine_macro_defaults) =", re.M)


@pytest.mark.parametrize("release", ["bookworm", "trixie"])
@pytest.mark.parametrize("clients", ["", PRINTER, NAS, f"{PRINTER}, {NAS}"], ids=["none", "printer", "nas", "both"])
def test_each_parameter_of_ours_is_used_by_a_service(tmp_path: Path, release: str, clients: str) -> None:
    """A printer with a certificate and no machine known by address was refused by every deploy."""
    settings = {"release": f'"{release}"', "relay_clients": f"[{clients}]"}
    if "printer" in clients:
        settings["client_certificates"] = 'ClientCertificates(authority="chain.pem")'
    before = "from ironpost.settings import ClientCertificates, RelayClient"
    host = read_inventory(write_inventory(tmp_path, mailhost(**settings), before=before)).mailhosts[0]
    services = render("/etc/postfix/master.cf", host)
    written = set(OWN.findall(render("/etc/postfix/main.cf", host)))
    assert bool(written) is bool(clients)
    assert all(f"${name}" in services or f"${{{name}}}" in services for name in written)
