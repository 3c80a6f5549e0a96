"""Each host of a fleet that sends asks the others every two seconds what they counted since, over TLS 1.3.

Both ends show a certificate of the fleet's own authority. Whoever is away counts as nothing from then on; nobody waits.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sqlite3
import time
from pathlib import Path

from .counts import HOUR
from .doors import client_side, fault, names_of, server_side
from .peers import Peers
from .rules import say
from .wire import MOST_ASKED, MOST_BYTES, Malformed, read_answer, read_question, write_answer, write_question

EVERY = 2.0  # seconds between two questions to a host
PATIENCE = 8.0  # seconds for a connection, and for an answer
SILENT = 60.0  # seconds after which a host that asks nothing is hung up on
MOST_PAGES = 200  # of one round: what is more comes in the next one
MOST_TOGETHER = 4  # connections of one host


@dataclasses.dataclass(frozen=True)
class Settings:
    """The port of all and the others, by name → addresses; certificates as systemd hands them over (PEM).

    It listens at all addresses of the host, unless one is named.
    """

    port: int
    peers: dict[str, list[str]]
    folder: Path
    address: str | None = None

    @classmethod
    def read(cls, folder: Path) -> Settings:
        """From the folder with counts.json, fleet-authority.pem, fleet.pem and fleet-key.pem."""
        said = json.loads((folder / "counts.json").read_text())
        return cls(said["port"], said["peers"], folder, said.get("address"))


class Exchange:
    """Asks and answers. `run` ends only by an error that a restart may mend."""

    def __init__(self, peers: Peers, settings: Settings) -> None:
        self.peers, self.settings = peers, settings
        self.server_side, self.client_side = server_side(settings.folder), client_side(settings.folder)
        self.faults: dict[str, str] = dict.fromkeys(settings.peers, "")  # what was last said of each
        self.strangers: set[str] = set()
        self.mute = False  # the database could not be read when somebody asked last
        self.connected: dict[str, int] = dict.fromkeys(settings.peers, 0)

    async def run(self) -> None:
        server = await asyncio.start_server(
            self.answer,
            self.settings.address,
            self.settings.port,
            ssl=self.server_side,
            limit=MOST_ASKED,
            ssl_handshake_timeout=PATIENCE,
        )
        async with server, asyncio.TaskGroup() as tasks:
            for host, addresses in self.settings.peers.items():
                tasks.create_task(self.follow(host, addresses))
            while True:
                self.peers.counts.forget(int(time.time()))
                await asyncio.sleep(HOUR)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of another host, question by question; of anybody else, nothing."""
        host = self.guest(writer)
        try:
            while host and (question := await asyncio.wait_for(reader.readline(), SILENT)):
                told = self.peers.told(read_question(question), int(time.time()))
                self.mute = False
                writer.write(write_answer(told))
                await asyncio.wait_for(writer.drain(), PATIENCE)
        except sqlite3.Error as error:
            if not self.mute:  # once: they ask again in two seconds
                say(f"{host}: is not told what was counted here: {error}")
            self.mute = True
        except (OSError, ValueError, Malformed, TimeoutError):
            pass  # that host asks again, and says itself that it was not answered
        finally:
            if host:
                self.connected[host] -= 1
            writer.close()

    def guest(self, writer: asyncio.StreamWriter) -> str:
        """The host of this fleet that the certificate names; empty for others, and for the fifth connection of one."""
        names = names_of(writer)
        host = next((name for name in names if name in self.settings.peers), "")
        if not host and not self.strangers.issuperset(names) and len(self.strangers) < 100:
            self.strangers.update(names)
            say(f"{', '.join(names) or 'nobody'}: asked with a certificate of the fleet, and does not send for it")
        if not host or self.connected[host] >= MOST_TOGETHER:
            return ""
        self.connected[host] += 1
        return host

    async def follow(self, host: str, addresses: list[str]) -> None:
        while True:
            try:
                reader, writer = await self.reach(host, addresses)
                try:
                    await self.listen(host, reader, writer)
                finally:
                    writer.close()
            except Malformed as error:
                self.note(host, f"what it tells cannot be used: {error}")
            except (OSError, ValueError, EOFError, TimeoutError) as error:
                self.note(host, f"is away: {fault(error)}")
            except sqlite3.Error as error:
                self.note(host, f"what it tells cannot be kept: {error}")
            await asyncio.sleep(EVERY)

    async def reach(self, host: str, addresses: list[str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the first address that answers, with the certificate of that host."""
        failed: Exception = OSError("it has no address")
        for address in addresses:
            opened = asyncio.open_connection(
                address, self.settings.port, ssl=self.client_side, server_hostname=host, limit=MOST_BYTES
            )
            try:
                return await asyncio.wait_for(opened, PATIENCE)
            except (OSError, TimeoutError) as error:
                failed = error
        raise failed

    async def listen(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Over one connection: the whole day first, whatever was known of it; then what is new."""
        await self.round(host, reader, writer, whole=True)
        while True:
            await asyncio.sleep(EVERY)
            await self.round(host, reader, writer, whole=False)

    async def round(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, whole: bool) -> None:
        place = self.peers.place(host, whole)
        for _ in range(MOST_PAGES):
            writer.write(write_question(place))
            text = await asyncio.wait_for(reader.readline(), PATIENCE)
            if not text.endswith(b"\n"):
                raise EOFError("it hung up")
            answer = read_answer(text)
            if not self.peers.knows(host, answer.key):
                place = self.peers.place(host, whole=True)
                continue
            self.peers.take(host, place, answer, int(time.time()))
            place = place.after(answer)
            if not (answer.more_sent or answer.more_seen):
                break
        self.note(host, "is full" if host in self.peers.full else "")

    def note(self, host: str, text: str) -> None:
        """Said once: when a host goes away, when what it tells is no good, and when all is well again."""
        kind = text.partition(":")[0]
        if kind == self.faults[host]:
            return
        self.faults[host] = kind
        words = {"": "is heard; what it counts is added here", "is full": "tells more than is kept of one host"}
        say(f"{host}: {words.get(text, text)}")
