"""The hosts against tables that a person wrote: no code of ours decides what is expected."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import dns.resolver
import pytest

from ironpost.lab import Lab

FOLDER = Path(__file__).parent / "expected"
both = pytest.mark.parametrize("host", [pytest.param("mx1", id="trixie"), pytest.param("mx2", id="bookworm")])

# asks every port of a list with a full TCP handshake; runs on the stranger's host, which needs nothing but Python
SCAN = """
import asyncio, sys
address, ports = sys.argv[1], range(int(sys.argv[2]), int(sys.argv[3]))
async def ask(gate, port):
    async with gate:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 1.5)
        except (OSError, asyncio.TimeoutError):
            return None
        writer.close()
        return port
async def main():
    gate = asyncio.Semaphore(600)
    print(*sorted(filter(None, await asyncio.gather(*(ask(gate, port) for port in ports)))))
asyncio.run(main())
"""


def expected(host: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{host}.toml").read_text())


def scan(lab: Lab, address: str, first: int, last: int) -> list[int]:
    found = lab.run("stranger", f"python3 - {address} {first} {last}", input=SCAN, timeout=120).stdout
    return [int(port) for port in found.split()]


@both
def test_a_stranger_finds_the_doors_of_the_table_and_no_other(published: Lab, host: str) -> None:
    """Ports below 1100 over IPv4 and IPv6, and the usual management ports above; the soak tries all."""
    server = published.host(host)
    for address in (server.ipv4, server.ipv6):
        found = (
            scan(published, address, 1, 1100)
            + scan(published, address, 11330, 11340)
            + scan(published, address, 4185, 4195)
        )
        assert found == expected(host)["open_to_everyone"]


@pytest.mark.soak
@both
def test_all_65535_ports(published: Lab, host: str) -> None:
    """A forgotten listener may sit anywhere."""
    found = [
        port
        for first in range(1, 65536, 8192)
        for port in scan(published, published.host(host).ipv4, first, min(first + 8192, 65536))
    ]
    assert found == expected(host)["open_to_everyone"]


@both
def test_the_host_listens_where_the_table_says(deployed: Lab, host: str) -> None:
    """Behind the firewall too: the firewall is the second line, not the first."""
    for option, key in (("-t", "listeners_tcp"), ("-u", "listeners_udp")):
        rows = deployed.run(host, f"ss -Hln {option}").stdout.splitlines()
        assert sorted({listener(row.split()[3]) for row in rows}) == sorted(expected(host)[key])


def listener(text: str) -> str:
    """`[::]:25` and `0.0.0.0:25` are one door; any loopback address is loopback."""
    address, _, port = re.sub(r"%\w+", "", text).rpartition(":")
    if address in ("[::1]", "[::ffff:127.0.0.1]") or address.startswith("127."):
        return f"loopback:{port}"
    return f"*:{port}" if address in ("*", "0.0.0.0", "[::]") else text


@both
def test_the_mailboxes_are_those_of_the_table(deployed: Lab, host: str) -> None:
    """A mailbox more is a door more."""
    rows = deployed.run(host, "cut -d: -f1 /etc/dovecot/users").stdout.split()
    assert sorted(rows) == expected(host)["mailboxes"]


@both
def test_the_zone_holds_the_records_of_the_table(published: Lab, host: str) -> None:
    """Asked of the resolver that strangers use."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [published.resolver]
    block = published.host(host).ipv4.split(".")[2]
    for wanted, values in expected(host)["zone"].items():
        name, kind = wanted.split()
        answer = resolver.resolve(name, kind, lifetime=10)
        texts = [b"".join(record.strings).decode() if kind == "TXT" else record.to_text() for record in answer]
        known = {
            "NET": block,
            "HOSTKEY": host_key(published, host),
            "CURRENT": digest(published, host),
            "NEXT": digest(published, host, ".next"),
        }
        assert sorted(texts) == sorted(filled(value, known) for value in values), wanted


def filled(value: str, known: dict[str, str]) -> str:
    for word, meant in known.items():
        value = value.replace(word, meant)
    return value


def digest(lab: Lab, host: str, label: str = "") -> str:
    """Of the public key of a lab certificate, as openssl sees it (RFC 7671 §5.1)."""
    key = lab.directory / "ca" / f"{lab.host(host).fqdn}{label}.key.pem"
    public = subprocess.run(
        ["openssl", "pkey", "-in", str(key), "-pubout", "-outform", "DER"], capture_output=True, check=True
    ).stdout
    return hashlib.sha256(public).hexdigest()


def host_key(lab: Lab, host: str) -> str:
    """SHA-256 of the host's Ed25519 key, as ssh-keygen(1) says it for DNS."""
    rows = lab.run(host, "ssh-keygen -r here -f /etc/ssh/ssh_host_ed25519_key.pub").stdout.splitlines()
    return next(row.split()[-1] for row in rows if row.split()[-2] == "2")
