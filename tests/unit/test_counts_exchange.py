"""Hosts that count together, over real connections with a real private authority: who is heard, and who is not."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import re
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from ironpost.lab.authority import Authority
from ironpost.sending.counts import Counts
from ironpost.sending.peers import Peers
from ironpost.sending.rules import Limits
from ironpost.sending.server import status
from ironpost.sending.wire import MOST_ASKED, PAGE, Malformed, Place, read_answer, read_question, write_question

ANNA = "anna@example.org"
OUT1, OUT2 = "out1.example.org", "out2.example.com"
PLACES = {OUT1: "127.0.0.1", OUT2: "127.0.0.2"}
QUESTION = write_question(Place())
HEARD = "is heard; what it counts is added here"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "fleet", clients=True)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def folder(root: Path, authority: Authority, name: str, trusted: Authority | None = None) -> Path:
    """What systemd hands over: the authority, the host's chain and its key."""
    place = root / f"{name}-{authority.directory.name}"
    place.mkdir(exist_ok=True)
    chain, key = authority.certificate(name)
    (place / "fleet-authority.pem").write_bytes((trusted or authority).root_certificate.read_bytes())
    (place / "fleet.pem").write_bytes(chain.read_bytes())
    (place / "fleet-key.pem").write_bytes(key.read_bytes())
    return place


class Host:
    """The program as systemd runs it, on a loopback address of its own."""

    def __init__(self, root: Path, authority: Authority, name: str, port: int) -> None:
        self.folder, self.database = folder(root, authority, name), root / f"{name}.db"
        peers = {other: [place] for other, place in PLACES.items() if other != name}
        said = {"port": port, "peers": peers, "address": PLACES[name]}
        (self.folder / "counts.json").write_text(json.dumps(said))
        self.counts, self.log, self.place = Counts(self.database), root / f"{name}.log", (PLACES[name], port)
        self.log.touch()

    @property
    def told(self) -> str:
        return self.log.read_text()

    @property
    def sum(self) -> int:
        return self.counts.sums(ANNA, int(time.time())).day

    def send(self, recipients: int) -> None:
        for number in range(recipients):
            self.counts.add(ANNA, f"{number}@example.net", True, int(time.time()))

    def listens(self) -> bool:
        with socket.socket() as tried:
            return tried.connect_ex(self.place) == 0

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        words = (sys.executable, "-m", "ironpost.sending", "exchange", str(self.database), str(self.folder))
        with self.log.open("a") as log:
            process = await asyncio.create_subprocess_exec(*words, stderr=log)
        try:
            await until(self.listens, "it does not start")
            yield
            assert process.returncode is None, self.told
        finally:
            process.terminate()
            await process.wait()


async def until(look: Callable[[], object], otherwise: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, otherwise
        await asyncio.sleep(0.05)


def test_a_database_that_cannot_be_read_is_told_once(tmp_path: Path, authority: Authority) -> None:
    """The other host hears nothing but that it was hung up on: why stands here."""
    port = free_port()
    first, second = (Host(tmp_path, authority, name, port) for name in PLACES)

    async def go() -> None:
        async with first.running(), second.running():
            await until(lambda: second.counts.heard()[OUT1], "they do not hear each other")
            first.counts.base.execute("ALTER TABLE sent RENAME TO elsewhere")
            await until(lambda: "is away: it hung up" in second.told, "nobody notices")
            await asyncio.sleep(5)

    asyncio.run(go())
    assert first.told.count(f"{OUT2}: is not told what was counted here: ") == 1, first.told


def test_two_hosts_hear_each_other(tmp_path: Path, authority: Authority) -> None:
    """What one counts the other one has within a round; one that goes and comes back is told once each."""
    port = free_port()
    first, second = (Host(tmp_path, authority, name, port) for name in PLACES)

    async def go() -> None:
        first.send(3)
        async with first.running():
            async with second.running():
                second.send(2)
                await until(lambda: first.sum == second.sum == 5, "they do not hear each other")
                assert not second.counts.is_first(ANNA, "2@example.net")
            await until(lambda: f"{OUT2}: is away: " in first.told.partition("is heard")[2], "nobody notices")
            first.send(1)
            await asyncio.sleep(5)
            async with second.running():
                await until(lambda: second.sum == 6 and first.told.count("is heard") == 2, "it does not catch up")

    asyncio.run(go())
    words = [line.partition(": ")[2].partition(":")[0] for line in first.told.splitlines()]
    assert words == ["is away", HEARD, "is away", HEARD], first.told
    limits = Limits(500, 2000, 200, 30)
    assert re.fullmatch(rf".* watched=\d+ peers {OUT2}=\d{{1,2}}", status(first.counts, limits))
    Peers(lonely := Counts(tmp_path / "lonely.db"), (OUT2,))
    assert status(lonely, limits).endswith(f" peers {OUT2}=never")
    assert "peers" not in status(Counts(tmp_path / "alone.db"), limits)


async def answered(port: int, context: ssl.SSLContext, question: bytes = QUESTION, name: str = OUT1) -> bytes:
    """What OUT1 answers somebody; nothing where it hangs up, at whatever moment."""
    try:
        reader, writer = await asyncio.open_connection(PLACES[OUT1], port, ssl=context, server_hostname=name)
        writer.write(question)
        found = await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        return found
    except (OSError, EOFError):
        return b""


def client(place: Path, shows: bool = True, newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(place / "fleet-authority.pem")
    context.maximum_version = newest
    if shows:
        context.load_cert_chain(place / "fleet.pem", place / "fleet-key.pem")
    return context


def test_only_hosts_of_the_fleet_that_send_are_answered(tmp_path: Path, authority: Authority) -> None:
    """Not without a certificate, not with one of another authority, not with one of a host that sends nothing."""
    port = free_port()
    serving = Host(tmp_path, authority, OUT1, port)
    other = Authority(tmp_path / "other", clients=True)
    good, box = folder(tmp_path, authority, OUT2), folder(tmp_path, authority, "box1.example.org")
    wrong = folder(tmp_path, other, OUT2, trusted=authority)
    serving.send(1)

    async def go() -> list[bytes]:
        async with serving.running():
            return [
                await answered(port, client(good)),
                await answered(port, client(good, shows=False)),
                await answered(port, client(wrong)),
                await answered(port, client(box)),
                await answered(port, client(box)),
                await answered(port, client(good, newest=ssl.TLSVersion.TLSv1_2)),
            ]

    first, *refused = asyncio.run(go())
    assert read_answer(first).sent[0].who == ANNA and refused == [b""] * 5
    assert serving.told.count("box1.example.org: asked with a certificate of the fleet, and does not send") == 1


@dataclasses.dataclass
class Impostor:
    """A server in the place of OUT2 that answers each question with the same bytes."""

    place: Path
    says: bytes

    @contextlib.asynccontextmanager
    async def at(self, port: int) -> AsyncIterator[None]:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, EOFError):
                while await reader.readline():
                    writer.write(self.says)
                    await writer.drain()
            writer.close()

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.place / "fleet.pem", self.place / "fleet-key.pem")
        server = await asyncio.start_server(talk, PLACES[OUT2], port, ssl=context)
        try:
            yield
        finally:
            server.close()


def hear(asking: Host, impostor: Impostor, port: int, seconds: float = 4.5) -> str:
    """What the host that asks says of that server, after two or three rounds."""

    async def go() -> None:
        async with impostor.at(port), asking.running():
            await asyncio.sleep(seconds)

    asyncio.run(go())
    return asking.told


@pytest.mark.parametrize("kind", ["another authority", "another host"])
def test_a_server_is_believed_by_its_name_and_authority(tmp_path: Path, authority: Authority, kind: str) -> None:
    """Whoever takes over an address must not be able to shut people out."""
    port = free_port()
    other = Authority(tmp_path / "other", clients=True)
    place = folder(tmp_path, other, OUT2) if kind == "another authority" else folder(tmp_path, authority, OUT1)
    asking = Host(tmp_path, authority, OUT1, port)
    told = hear(asking, Impostor(place, answer()), port)
    assert told.count("is away: its certificate is refused (") == 1 and len(told.splitlines()) == 1
    assert asking.counts.heard() == {OUT2: 0} and asking.sum == 0


NOW = int(time.time())
HEX = "ab" * 16


def answer(**changes: Any) -> bytes:
    whole = {"key": HEX, "sent": [[NOW // 60, ANNA, 5, 1]], "seen": [[NOW, ANNA, HEX]], "more": False, "further": False}
    return json.dumps(list((whole | changes).values())).encode() + b"\n"


BAD = {
    "no JSON": b"]]]\n",
    "no list": b"{}\n",
    "too deep": b"[" * 100_000 + b"\n",
    "too long": b"[" + b" " * 2_000_000 + b"]\n",
    "too few": b"[1]\n",
    "a key that is none": answer(key="ab"),
    "a key that is no text": answer(key=7),
    "rows that are none": answer(sent=[[1, ANNA]]),
    "text for a number": answer(sent=[[NOW // 60, ANNA, "5", 1]]),
    "truth for a number": answer(sent=[[NOW // 60, ANNA, True, 1]]),
    "less than nothing": answer(sent=[[NOW // 60, ANNA, -5, 1]]),
    "half a number": answer(sent=[[NOW // 60, ANNA, 0.5, 1]]),
    "more than anybody sends": answer(sent=[[NOW // 60, ANNA, 10**9, 1]]),
    "endless digits": b"[" + b"9" * 10_000 + b"]\n",
    "a name without end": answer(sent=[[NOW // 60, "a" * 255, 5, 1]]),
    "a name with a line in it": answer(sent=[[NOW // 60, "a\nb", 5, 1]]),
    "a digest that is none": answer(seen=[[NOW, ANNA, "zz" * 16]]),
    "more rows than a page": answer(sent=[[NOW // 60, ANNA, 5, 1]] * (PAGE + 1)),
    "no word on more": answer(more=1),
}


def test_an_answer_that_is_whole_is_read() -> None:
    """Otherwise the refusals below would prove nothing."""
    found = read_answer(answer())
    assert (found.sent, found.seen) == (((NOW // 60, ANNA, 5, 1),), ((NOW, ANNA, bytes.fromhex(HEX)),))
    assert read_question(QUESTION) == Place()


@pytest.mark.parametrize("text", [text for name, text in BAD.items() if name != "too long"])
def test_an_answer_of_another_shape_is_refused(text: bytes) -> None:
    """As a whole: of a host that mixes things up nothing is believed."""
    with pytest.raises(Malformed):
        read_answer(text)
    with pytest.raises(Malformed):
        read_question(text)


@pytest.mark.parametrize("name", ["no JSON", "less than nothing", "too long"])
def test_answers_that_are_no_good_change_nothing_and_are_said_once(
    tmp_path: Path, authority: Authority, name: str
) -> None:
    """However often they come."""
    port = free_port()
    asking = Host(tmp_path, authority, OUT1, port)
    told = hear(asking, Impostor(folder(tmp_path, authority, OUT2), BAD[name]), port)
    assert asking.sum == 0 and asking.counts.heard() == {OUT2: 0}
    assert len(told.splitlines()) == 1 and OUT2 in told


def test_an_endless_answer_ends(tmp_path: Path, authority: Authority) -> None:
    """A host that always has more to tell is taken for no more than what it told."""
    port = free_port()
    asking = Host(tmp_path, authority, OUT1, port)
    told = hear(asking, Impostor(folder(tmp_path, authority, OUT2), answer(more=True)), port)
    assert asking.sum == 5 and told == ""


def test_questions_that_are_none_and_too_many_connections_end(tmp_path: Path, authority: Authority) -> None:
    """A certificate of the fleet is no licence to exhaust a host of it."""
    port = free_port()
    serving = Host(tmp_path, authority, OUT1, port)
    good = client(folder(tmp_path, authority, OUT2))

    async def go() -> tuple[list[bytes], bytes]:
        async with serving.running():
            refused = [await answered(port, good, text) for text in (b"x\n", b" " * MOST_ASKED * 4 + b"\n")]
            held = [await asyncio.open_connection(PLACES[OUT1], port, ssl=good, server_hostname=OUT1) for _ in range(4)]
            for reader, writer in held:
                writer.write(QUESTION)
                assert await reader.readline()
            refused.append(await answered(port, good))
            for _, writer in held:
                writer.close()
            await asyncio.sleep(0.5)
            return refused, await answered(port, good)

    refused, last = asyncio.run(go())
    assert refused == [b""] * 3 and read_answer(last).key == serving.counts.key
