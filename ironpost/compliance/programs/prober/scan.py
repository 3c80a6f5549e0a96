"""Which TCP ports answer: a full handshake with each.

The kernel completes handshakes whether or not this program is given time: what it finds at the end is asked of the
kernel, so that a machine under load takes no open port for a silent one.
"""

from __future__ import annotations

import errno
import resource
import selectors
import socket
import time
from collections.abc import Sequence
from typing import Any

from .wire import SOURCES

TOGETHER = 1500
SPARE = 100  # descriptors for everything else
SECONDS = 2.5  # the kernel repeats a lost SYN after one second
KNOWN = (
    1080, 1194, 1433, 1521, 1723, 2000, 2049, 2121, 2222, 2375, 2376, 2377, 2379, 2380, 2525, 3000, 3128, 3260,
    3306, 3389, 3632, 4000, 4190, 4369, 4443, 4465, 4505, 4506, 4525, 4526, 4528, 4949, 5000, 5044, 5222, 5269,
    5353, 5432, 5601, 5666, 5672, 5900, 5984, 5985, 6000, 6379, 6443, 6667, 7000, 7001, 7946, 8000, 8008, 8080, 8081,
    8086, 8089, 8123, 8443, 8500, 8888, 8891, 8953, 9000, 9042, 9090, 9091, 9092, 9093, 9100, 9102, 9200, 9300,
    9418, 9999, 10000, 10025, 10026, 10050, 10250, 11211, 11332, 11333, 11334, 11335, 12345, 15672, 20025, 24007,
    25565, 27017, 28017, 31337, 50000, 50070, 61616,
)  # fmt: skip
USUAL = (*range(1, 1025), *KNOWN)


def open_ports(address: str, ports: tuple[int, ...]) -> dict[str, Any]:
    """`open`: those that complete a handshake; `refused`: those that answer with a reset; `asked`: how many."""
    size = most_together()
    found: dict[str, list[int]] = {"open": [], "refused": []}
    for start in range(0, len(ports), size):
        for state, some in ask_together(address, ports[start : start + size]).items():
            found[state] += some
    return {**{state: sorted(some) for state, some in found.items()}, "asked": len(ports)}


def most_together() -> int:
    """As many as the system's limit allows: a silent port is waited for, and they are to be waited for together."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return max(SPARE, min(TOGETHER, most // 2 - SPARE))  # two addresses are looked at at the same time


def ask_together(address: str, ports: Sequence[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {"open": [], "refused": []}
    with selectors.DefaultSelector() as waiting:
        for port in ports:
            begin(waiting, address, port, found)
        until = time.monotonic() + SECONDS
        left = SECONDS
        while waiting.get_map() and left >= 0:
            for key, _ in waiting.select(left):
                state = key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)  # type: ignore[union-attr]
                note(key.data, state, found)
                if state == 0:
                    SOURCES.add(key.fileobj.getsockname()[0])  # type: ignore[union-attr]
                waiting.unregister(key.fileobj)
                key.fileobj.close()  # type: ignore[union-attr]
            # the last look, with no time left, takes what the kernel has meanwhile
            left = max(0.0, until - time.monotonic()) if left > 0 else -1
        for key in list(waiting.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
    return found


def begin(waiting: selectors.BaseSelector, address: str, port: int, found: dict[str, list[int]]) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.setblocking(False)
    state = connection.connect_ex((address, port))
    if state == errno.EINPROGRESS:
        waiting.register(connection, selectors.EVENT_WRITE, port)
        return
    note(port, state, found)
    connection.close()


def note(port: int, state: int, found: dict[str, list[int]]) -> None:
    """Anything but a handshake or a reset is as good as silence: a filter's or a router's word."""
    if state == 0:
        found["open"].append(port)
    elif state == errno.ECONNREFUSED:
        found["refused"].append(port)
