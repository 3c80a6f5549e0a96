"""Which TCP ports answer: a full handshake with each."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import resource

PARALLEL = 1500
SPARE = 100  # descriptors for everything else
SECONDS = 2.5  # the kernel repeats a lost SYN after one second
KNOWN = (
    1080, 1194, 1433, 1521, 1723, 2000, 2049, 2121, 2222, 2375, 2376, 2377, 2379, 2380, 3000, 3128, 3260, 3306, 3389,
    3632, 4000, 4190, 4369, 4443, 4505, 4506, 4949, 5000, 5044, 5222, 5269, 5353, 5432, 5601, 5666, 5672, 5900, 5984,
    5985, 6000, 6379, 6443, 6667, 7000, 7001, 7946, 8000, 8008, 8080, 8081, 8086, 8089, 8123, 8443, 8500, 8888, 8891,
    8953, 9000, 9042, 9090, 9091, 9092, 9093, 9100, 9102, 9200, 9300, 9418, 9999, 10000, 10025, 10026, 10050, 10250,
    11211, 11332, 11333, 11334, 11335, 12345, 15672, 20025, 24007, 25565, 27017, 28017, 31337, 50000, 50070, 61616,
)  # fmt: skip
USUAL = (*range(1, 1025), *KNOWN)


def open_ports(address: str, ports: tuple[int, ...]) -> dict[str, list[int]]:
    """`open`: those that complete a handshake; `refused`: those that answer with a reset."""
    raise_limit()
    found = asyncio.run(ask_all(address, ports))
    return {state: sorted(port for port, said in found if said == state) for state in ("open", "refused")}


def raise_limit() -> None:
    """As many descriptors as the system allows: a silent port is waited for, and they are to be waited for together."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def ask_all(address: str, ports: tuple[int, ...]) -> list[tuple[int, str]]:
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - SPARE  # two addresses are looked at together
    gate = asyncio.Semaphore(max(SPARE, min(PARALLEL, allowed)))
    return list(await asyncio.gather(*(ask(gate, address, port) for port in ports)))


async def ask(gate: asyncio.Semaphore, address: str, port: int) -> tuple[int, str]:
    async with gate:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), SECONDS)
        except TimeoutError:
            return port, "silent"
        except OSError as error:
            return port, "refused" if error.errno == errno.ECONNREFUSED else "silent"
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return port, "open"
