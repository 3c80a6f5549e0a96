"""SMTP as a stranger speaks it: what is offered, what is refused, and what a forger would try. No letter arrives."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .wire import ProbeError, Wire, greeted, hello_name, ready_for_tls

ERRORS_IN_A_SESSION = 3  # more, and servers answer slowly (postconf(5) smtpd_soft_error_limit) or hang up
VISITS_AT_ONCE = 3
ELSEWHERE = "relay-probe.example.net"
COMMANDS = ("VRFY root", "EXPN root", "ETRN example.org", "XCLIENT ADDR=192.0.2.1", "AUTH PLAIN AGEAYg==")
ENDS = {
    "LF.LF": b"\n.\n",
    "LF.CR": b"\n.\r",
    "CR.LF": b"\r.\n",
    "CR.CR": b"\r.\r",
    "LF.CRLF": b"\n.\r\n",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CRLF.CR": b"\r\n.\r",
    "CRLF NUL.CRLF": b"\r\n\x00.\r\n",
    "CRLF.CR-CRLF": b"\r\n.\r\r\n",
}


def said(reply: tuple[int, list[str]]) -> list[Any]:
    code, lines = reply
    return [code, " ".join(lines)]


def session(address: str, port: int, name: str) -> dict[str, Any]:
    """What a port that begins in clear text offers before and after STARTTLS, and what it says to some commands."""
    replies: dict[str, list[Any]] = {}
    commands = COMMANDS if port == 25 else ("AUTH PLAIN AGEAYg==", "MAIL FROM:<>")
    for start in range(0, len(commands), ERRORS_IN_A_SESSION):
        with Wire(address, port) as wire:
            greeted(wire)
            some = commands[start : start + ERRORS_IN_A_SESSION]
            replies |= {command.split()[0]: said(wire.ask(command)) for command in some}
    with Wire(address, port) as wire:
        banner, offers = greeted(wire)
        found: dict[str, Any] = {"banner": banner, "ehlo": offers, "replies": replies}
        found["starttls"] = said(wire.ask("STARTTLS"))
        found["tls_problem"] = None if found["starttls"][0] == 220 else "STARTTLS is refused"
        if not found["tls_problem"]:
            found |= encrypted(wire, port, name)
    return found


def encrypted(wire: Wire, port: int, name: str) -> dict[str, Any]:
    try:
        wire.start_tls(name)
    except ProbeError as error:
        return {"tls_problem": str(error)}
    return {"ehlo_tls": wire.ask(f"EHLO {hello_name()}")[1][1:], "replies_tls": inside(wire, port, name)}


def inside(wire: Wire, port: int, name: str) -> dict[str, list[Any]]:
    """Inside TLS: on 25 whether a login is possible, on the submission ports what happens without one."""
    if port == 25:
        return {"AUTH": said(wire.ask("AUTH PLAIN AGEAYg=="))}
    found = {"MAIL": said(wire.ask("MAIL FROM:<>"))}
    found["RCPT"] = said(wire.ask(f"RCPT TO:<probe@{ELSEWHERE}>"))
    found["RCPT here"] = said(wire.ask(f"RCPT TO:<postmaster@{name}>"))
    return found


def implicit(address: str, port: int, name: str) -> dict[str, Any]:
    """A port that begins in TLS: what it says to clear text, and what it offers inside."""
    with Wire(address, port) as wire:
        wire.send(f"EHLO {hello_name()}\r\n".encode())
        plain = wire.rest().decode("utf-8", "replace")
    with Wire(address, port) as wire:
        wire.start_tls(name)
        _, offers = greeted(wire)
        return {"plain": plain, "ehlo_tls": offers, "replies_tls": inside(wire, port, name)}


def injection(address: str, port: int, name: str) -> dict[str, Any]:
    """A command in the same segment as STARTTLS must not be answered after the handshake (CVE-2011-0411)."""
    with Wire(address, port) as wire:
        greeted(wire)
        wire.send(b"STARTTLS\r\nRSET\r\n")
        first = said(wire.reply())
        if first[0] != 220:
            return {"first": first, "after": ""}
        try:
            wire.start_tls(name)
        except ProbeError as error:
            return {"first": first, "after": "", "refused": str(error)}
        return {"first": first, "after": wire.rest().decode("utf-8", "replace")}


def pipelining(address: str, domain: str) -> dict[str, Any]:
    """Commands ahead of the replies, before and after the server has allowed it (RFC 2920 §3.1)."""
    ahead = f"MAIL FROM:<>\r\nRCPT TO:<postmaster@{domain}>\r\n".encode()
    with Wire(address, 25) as wire:
        wire.reply()
        wire.send(f"EHLO {hello_name()}\r\n".encode() + ahead + b"DATA\r\n")
        early = codes(wire.rest())
    with Wire(address, 25) as wire:
        greeted(wire)
        wire.send(ahead + b"RSET\r\n")
        return {"early": early, "allowed": [said(wire.reply())[0] for _ in range(3)]}


def codes(data: bytes) -> list[int]:
    """The code of each complete reply."""
    lines = data.decode("utf-8", "replace").splitlines()
    return [int(line[:3]) for line in lines if line[:3].isdigit() and line[3:4] in (" ", "")]


def smuggling(address: str, domain: str) -> dict[str, Any]:
    """End-of-data sequence → codes of all replies after DATA began, up to QUIT's own (221).

    Both messages have two authors, which our policy refuses, so that none is delivered.
    """

    def tried(end: bytes) -> Any:
        try:
            return smuggled(address, domain, end)
        except ProbeError as error:
            return {"error": str(error)}

    with ThreadPoolExecutor(VISITS_AT_ONCE) as pool:
        return dict(zip(ENDS, pool.map(tried, ENDS.values()), strict=True))


def smuggled(address: str, domain: str, end: bytes) -> list[int]:
    envelope = f"MAIL FROM:<>\r\nRCPT TO:<postmaster@{domain}>\r\nDATA\r\n".encode()
    with Wire(address, 25) as wire:
        greeted(wire)
        for command in envelope.decode().splitlines():
            code, lines = wire.ask(command)
            if code >= 400:
                raise ProbeError(f"{command}: {code} {' '.join(lines)}")
        wire.send(twofold() + b"first" + end + envelope + twofold() + b"second\r\n.\r\n")
        wire.send(b"QUIT\r\n")
        return codes(wire.rest(4.0))


def twofold() -> bytes:
    token = uuid.uuid4().hex
    return (
        f"From: one@probe.invalid\r\nFrom: two@probe.invalid\r\nSubject: ironpost verify {token}\r\n"
        f"Message-ID: <{token}@probe.invalid>\r\n\r\n"
    ).encode()


def relay_forms(domain: str, address: str) -> list[str]:
    """The ways to write a foreign recipient that some server once took for its own (RFC 2505, RFC 5321 §4.1.2)."""
    us, there = domain, ELSEWHERE
    literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    return [
        f"probe@{there}", f"probe%{there}@{us}", f"{there}!probe@{us}", f"{there}!probe", f"@{us}:probe@{there}",
        f'"probe@{there}"@{us}', f"probe@{there}@{us}", f"probe@{us}@{there}", f"probe%{there}@{literal}",
        "probe@[192.0.2.1]", f'"probe@{there}"', f"probe@{there}.", f"nosuch@{literal}",
    ]  # fmt: skip


def relay(address: str, domain: str) -> list[dict[str, Any]]:
    """Each form with three senders, also after RSET; a new session whenever the server has had enough."""
    forms = relay_forms(domain, address)
    visits = [
        (address, sender, forms[start : start + ERRORS_IN_A_SESSION])
        for sender in (f"postmaster@{hello_name()}", "", f"postmaster@{domain}")
        for start in range(0, len(forms), ERRORS_IN_A_SESSION)
    ]
    with ThreadPoolExecutor(VISITS_AT_ONCE) as pool:
        return [found for visit in pool.map(lambda each: attempts(*each), visits) for found in visit]


def attempts(address: str, sender: str, recipients: list[str]) -> list[dict[str, Any]]:
    with Wire(address, 25) as wire:
        greeted(wire)
        found = []
        for recipient in recipients:
            wire.ask("RSET")
            reply = wire.ask(f"MAIL FROM:<{sender}>")
            if reply[0] < 400:
                reply = wire.ask(f"RCPT TO:<{recipient}>")
            found.append({"sender": sender, "recipient": recipient, "reply": said(reply)})
        return found


def unknown(address: str, domains: list[str]) -> dict[str, list[Any]]:
    """Domain → reply to a recipient that nobody has."""
    found = {}
    with Wire(address, 25) as wire:
        greeted(wire)
        for domain in domains[:ERRORS_IN_A_SESSION]:
            wire.ask("MAIL FROM:<>")
            found[domain] = said(wire.ask(f"RCPT TO:<nobody-{uuid.uuid4().hex[:12]}@{domain}>"))
            wire.ask("RSET")
    return found


def takes(address: str, recipients: list[str]) -> dict[str, list[Any]]:
    """Recipient → reply, without TLS: who reports trouble with it may have none that works (RFC 8460 §3)."""
    found = {}
    with Wire(address, 25) as wire:
        greeted(wire)
        for recipient in recipients[:ERRORS_IN_A_SESSION]:
            wire.ask("MAIL FROM:<>")
            found[recipient] = said(wire.ask(f"RCPT TO:<{recipient}>"))
            wire.ask("RSET")
    return found


def mailbox(address: str, port: int, name: str) -> dict[str, Any]:
    """IMAP or POP3 in clear text: what is offered before TLS, and what a login gets."""
    with Wire(address, port) as wire:
        wire.line()
        if port == 143:
            wire.send(b"a CAPABILITY\r\nb LOGIN probe probe\r\n")
        else:
            wire.send(b"CAPA\r\nUSER probe\r\n")
        before = wire.rest().decode("utf-8", "replace")
    with ready_for_tls(address, port) as wire:
        wire.start_tls(name)
        return {"before": before, "tls": True}
