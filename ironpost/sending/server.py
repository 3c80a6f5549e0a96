"""Postfix's policy protocol on a socket that systemd hands over: requests of `name=value` lines, one action each."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
import time

from .counts import DAY, HOUR, Counts
from .rules import Limits, decide, say

LISTEN_FD = 3  # sd_listen_fds(3)
MOST_BYTES = 16384  # of one request; Postfix sends about one KiB
KEPT_SECONDS = 600  # a connection that says nothing; Postfix opens another one


async def serve(counts: Counts, limits: Limits) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await asked(reader):
                writer.write(f"action={answer(counts, limits, request)}\n\n".encode())
                await writer.drain()
        except (OSError, ValueError, asyncio.LimitOverrunError, asyncio.IncompleteReadError, TimeoutError):
            pass  # Postfix asks again over a new connection
        finally:
            writer.close()

    listening = socket.socket(fileno=LISTEN_FD)
    server = await asyncio.start_unix_server(talk, sock=listening, limit=MOST_BYTES)
    async with server:
        while True:
            counts.forget(int(time.time()))
            await asyncio.sleep(HOUR)


async def asked(reader: asyncio.StreamReader) -> dict[str, str]:
    """One request; none at the end of the connection."""
    text = await asyncio.wait_for(reader.readuntil(b"\n\n"), KEPT_SECONDS)
    rows = (line.partition("=") for line in text.decode("utf-8", "replace").splitlines() if line)
    return {name: value for name, _, value in rows}


def answer(counts: Counts, limits: Limits, request: dict[str, str]) -> str:
    """Without its database it puts mail off: nothing uncounted leaves."""
    try:
        if request.get("request") == "ironpost_status":
            return status(counts, limits)
        return decide(counts, limits, request, int(time.time()))
    except sqlite3.Error as error:
        say(f"the counts cannot be kept: {error}")
        return "450 4.3.0 The number of your recipients cannot be counted at the moment"


def status(counts: Counts, limits: Limits) -> str:
    """What is in force, and how many seconds ago each other host was heard, for `ironpost verify`."""
    now = int(time.time())
    watched = max(0, counts.born + limits.first_time_watched_days * DAY - now)
    heard = "".join(f" {host}={max(0, now - last) if last else 'never'}" for host, last in counts.heard().items())
    return (
        f"hour={limits.recipients_per_hour} day={limits.recipients_per_day} first={limits.first_time_per_day}"
        f" watched={watched}" + (f" peers{heard}" if heard else "")
    )
