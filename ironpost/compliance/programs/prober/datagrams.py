"""UDP, by a real datagram for each service that one might have forgotten: whoever answers is there."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

SECONDS = 2.0
DNS = bytes.fromhex("4950010000010000000000000000020001")  # NS of the root
# Port → what its service answers to: DNS, TFTP, portmapper, NTP, NetBIOS, SNMP, LDAP, QUIC, IKE, syslog, RIP, DHCPv6,
# OpenVPN, RADIUS, NFS, SIP, mDNS, memcached, WireGuard.
ASKED = {
    53: DNS,
    69: b"\0\1x\0octet\0",
    111: bytes.fromhex("000000010000000000000002000186a0") + b"\0\0\0\2" + bytes(20),
    123: b"\x23" + bytes(47),
    137: bytes.fromhex("000100000001000000000000") + b" CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x21\0\1",
    161: bytes.fromhex("302602010104067075626c6963a019020400000001020100020100300b300906052b060102010500"),
    389: bytes.fromhex("3025020101632004000a01000a0100020100020100010100870b6f626a656374636c6173733000"),
    443: b"\xc0\0\0\0\1\x08" + bytes(1194),
    500: bytes(28),
    514: b"<14>probe",
    520: b"\1\1\0\0",
    547: b"\x0b\0\0\1",
    1194: b"\x38" + bytes(13),
    1812: b"\1\1\0\x14" + bytes(16),
    2049: bytes(40),
    5060: b"OPTIONS sip:probe@probe.invalid SIP/2.0\r\n\r\n",
    5353: DNS,
    11211: b"\0\0\0\0\0\1\0\0stats\r\n",
    51820: b"\1\0\0\0" + bytes(144),
}  # fmt: skip


def answers(address: str) -> dict[str, list[int]]:
    """`answered`: ports that said something; `refused`: ports that the host says are closed (ICMP)."""
    with ThreadPoolExecutor(len(ASKED)) as pool:
        found = dict(zip(ASKED, pool.map(lambda port: ask(address, port, ASKED[port]), ASKED), strict=True))
    return {
        state: sorted(port for port, said in found.items() if said == state) for state in ("answered", "refused")
    } | {"asked": sorted(ASKED)}


def ask(address: str, port: int, datagram: bytes) -> str:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.settimeout(SECONDS)
        try:
            wire.connect((address, port))
            wire.send(datagram)
            wire.recv(65535)
        except ConnectionRefusedError:
            return "refused"
        except OSError:
            return "silent"
        return "answered"
