"""Connections, with the addresses that they come from, and replies of line protocols."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Any

SECONDS = 8.0  # for a connection to come about
ANSWER_SECONDS = 15.0  # for each answer: a small host that delivers other letters meanwhile may need half of it
QUIET_SECONDS = 2.0  # how long nothing must come before nothing is taken to come
MOST_BYTES = 65536
SOURCES: set[str] = set()  # the addresses that our connections came from
LATE = "no answer in time"
STARTTLS = {25: "smtp", 587: "smtp", 143: "imap", 110: "pop3", 4190: "sieve"}


class ProbeError(Exception):
    """A conversation did not come about; the text says where it ended."""


def hello_name() -> str:
    """The name for EHLO: this machine's own when it is a full one, for that is what an honest server says."""
    name = socket.getfqdn()
    return name if "." in name and name != "localhost.localdomain" else "probe.invalid"


class Wire:
    """One connection. Replies are (code, lines) for SMTP; other protocols read lines."""

    def __init__(self, address: str, port: int) -> None:
        try:
            self.socket: Any = socket.create_connection((address, port), timeout=SECONDS)
        except OSError as error:
            raise ProbeError(f"port {port}: {error}") from None
        self.socket.settimeout(ANSWER_SECONDS)
        SOURCES.add(self.socket.getsockname()[0])
        self.port = port
        self.buffer = b""

    @classmethod
    def over(cls, connection: socket.socket) -> Wire:
        """Over a connection that is there already."""
        made = cls.__new__(cls)
        made.socket, made.port, made.buffer = connection, 0, b""
        return made

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.socket.close()

    def send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise ProbeError(f"port {self.port}: {error}") from None

    def receive(self) -> bytes:
        """Some bytes; none at the end of the connection."""
        try:
            data: bytes = self.socket.recv(16384)
        except TimeoutError:
            raise ProbeError(f"port {self.port}: {LATE}") from None
        except OSError:
            return b""
        return data

    def line(self) -> str:
        while b"\n" not in self.buffer:
            data = self.receive()
            if not data or len(self.buffer) > MOST_BYTES:
                raise ProbeError(f"port {self.port}: the connection ended")
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def reply(self) -> tuple[int, list[str]]:
        """One SMTP reply (RFC 5321 §4.2): its code, and the text of its lines."""
        lines = []
        while True:
            line = self.line()
            lines.append(line[4:])
            if line[3:4] != "-":
                return (int(line[:3]) if line[:3].isdigit() else 0), lines

    def ask(self, command: str) -> tuple[int, list[str]]:
        self.send(command.encode() + b"\r\n")
        return self.reply()

    def rest(self, seconds: float = QUIET_SECONDS) -> bytes:
        """What comes until the end, or until nothing has come for a while."""
        data, self.buffer = self.buffer, b""
        self.socket.settimeout(seconds)
        with contextlib.suppress(ProbeError):
            while len(data) < MOST_BYTES:
                more = self.receive()
                if not more:
                    break
                data += more
        return data

    def start_tls(self, name: str) -> None:
        """Any certificate will do: what it is worth is asked elsewhere."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        except OSError as error:
            raise ProbeError(f"port {self.port}: TLS fails: {error}") from None
        self.buffer = b""


def ready_for_tls(address: str, port: int) -> Wire:
    """A connection on which the next byte belongs to TLS: at once, or after STARTTLS."""
    wire = Wire(address, port)
    protocol = STARTTLS.get(port)
    if protocol == "smtp":
        greeted(wire)
        code, lines = wire.ask("STARTTLS")
        if code != 220:
            raise ProbeError(f"port {port}: STARTTLS gets {code} {' '.join(lines)}")
    elif protocol == "imap":
        until(wire, "* OK", wire.line())
        wire.send(b"a STARTTLS\r\n")
        until(wire, "a OK")
    elif protocol == "pop3":
        until(wire, "+OK")
        wire.send(b"STLS\r\n")
        until(wire, "+OK")
    elif protocol == "sieve":
        until(wire, "OK")
        wire.send(b"STARTTLS\r\n")
        until(wire, "OK")
    return wire


def greeted(wire: Wire) -> tuple[str, list[str]]:
    """Banner, and what EHLO offers."""
    code, banner = wire.reply()
    if code != 220:
        raise ProbeError(f"port {wire.port}: greets with {code} {' '.join(banner)}")
    code, offers = wire.ask(f"EHLO {hello_name()}")
    if code != 250:
        raise ProbeError(f"port {wire.port}: EHLO gets {code} {' '.join(offers)}")
    return banner[0], offers[1:]


def until(wire: Wire, start: str, line: str | None = None) -> str:
    """The first line that starts so, among the next ones."""
    for _ in range(30):
        found = line if line is not None else wire.line()
        if found.startswith(start):
            return found
        line = None
    raise ProbeError(f"port {wire.port}: does not say {start!r}")
