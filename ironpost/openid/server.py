"""HTTP on the socket that systemd hands over: Dovecot posts a token, and hears whose it is (RFC 7662 §2)."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from urllib.parse import parse_qs

from .answers import PutOff, Refused
from .check import Checker, Visit
from .keys import say

LISTEN_FD = 3  # sd_listen_fds(3)
MOST_BYTES = 65536  # of one request, whose token is a few KiB
KEPT_SECONDS = 90  # Dovecot keeps its connections for a minute
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 503: "Service Unavailable"}
Request = tuple[str, dict[str, str], bytes]


async def serve(providers: Path, accounts: Path, folder: Path) -> None:
    checker = Checker(providers, accounts, folder)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await asked(reader):
                status, body = await answer(checker, *request)
                text = json.dumps(body).encode()
                head = f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\n"
                writer.write(f"{head}Content-Length: {len(text)}\r\n\r\n".encode() + text)
                await writer.drain()
        except (OSError, ValueError, asyncio.LimitOverrunError, asyncio.IncompleteReadError, TimeoutError):
            pass  # Dovecot asks again over a new connection
        finally:
            writer.close()

    listening = socket.socket(fileno=LISTEN_FD)
    server = await asyncio.start_server(talk, sock=listening, limit=MOST_BYTES)
    await asyncio.gather(server.serve_forever(), *(keys.keep_fresh() for keys in checker.keys.values()))


async def asked(reader: asyncio.StreamReader) -> Request | None:
    """Method and path, headers in lower case, and the body; None when the other side has ended."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), KEPT_SECONDS) if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode("ascii").split("\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= MOST_BYTES:
        raise ValueError("a request of that size is none of Dovecot's")
    return first.rpartition(" ")[0], headers, await asyncio.wait_for(reader.readexactly(length), KEPT_SECONDS)


async def answer(checker: Checker, what: str, headers: dict[str, str], body: bytes) -> tuple[int, object]:
    """A token that is not good gets 200 and `active: false`; only 503 tells Dovecot that nobody could say."""
    if what == "GET /status":
        return 200, checker.status()
    if what != "POST /introspect":
        return 404, {}
    tokens = parse_qs(body.decode("ascii")).get("token", [])
    if len(tokens) != 1:
        return 400, {"active": False}
    visit = visit_of(headers)
    where = f"{visit.service or 'nothing'} from {visit.address or 'nowhere'}"
    try:
        owner = await checker.owner(tokens[0], visit)
    except Refused as reason:
        say(f"{where}: a token is refused: {reason}")
        return 200, {"active": False}
    except PutOff as reason:
        say(f"{where}: a login is put off: {reason}")
        return 503, {}
    except Exception as error:  # a fault of ours opens nothing, and its text might hold a token
        say(f"{where}: a login is put off: {type(error).__name__} in the check of its token")
        return 503, {}
    say(f"{where}: a token of {owner}")
    return 200, {"active": True, "username": owner}


def visit_of(headers: dict[str, str]) -> Visit:
    """Dovecot 2.3 says Service, 2.4 Protocol; the address comes with a port, in brackets if it is IPv6."""
    service = headers.get("x-dovecot-auth-protocol") or headers.get("x-dovecot-auth-service", "")
    address = headers.get("x-dovecot-auth-remote", "")
    if address.startswith("["):
        return Visit(service, address[1:].partition("]")[0])
    return Visit(service, address.rpartition(":")[0] if address.count(":") == 1 else address)
