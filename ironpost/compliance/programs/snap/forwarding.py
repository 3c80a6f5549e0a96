"""Where mail is sent on to, what becomes of its senders, and how it is sealed: asked of the programs that run."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from .look import access, run
from .postfix import rows_of
from .rspamd import asked

RULES = Path("/etc/dovecot/sieve/forward")
USERS = Path("/etc/dovecot/users")
SECRETS = "/etc/postsrsd.secret"
SENDER = "probe@relay.invalid"
DAY = 86_400
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"  # of the day in a return address, modulo 1024
# As Dovecot hands it over; nothing is delivered.
LETTER = """\
X-Sieve-Redirected-From: probe@{domain}\r
From: probe@{domain}\r
To: probe@relay.invalid\r
Subject: who seals this?\r
Message-ID: <seal@ironpost.invalid>\r
Date: Thu, 01 Jan 2026 00:00:00 +0000\r
\r
\r
"""


def parts() -> dict[str, Any]:
    rules = {path.stem: destinations(path) for path in sorted(RULES.glob("*.sieve"))}
    domains = sorted({account.rpartition("@")[2] for account in rules})
    return {
        "forwarding": {
            "rules": rules,
            "allowed": allowed(),
            "destinations": sorted(rows_of("/etc/postfix/forward_destinations")),
            "senders": senders() if rules else {},
            "secrets": secrets(),
            "seals": {domain: sealed(domain) for domain in domains},
        }
    }


def destinations(path: Path) -> list[str]:
    """What a rule sends on to; comments say nothing."""
    lines = [line for line in path.read_text(errors="replace").splitlines() if not line.lstrip().startswith("#")]
    return re.findall(r'\bredirect\b[^;"]*"([^"]*)"', "\n".join(lines))


def allowed() -> dict[str, int]:
    """Account → redirections that its rules may have, where Dovecot is told a number for it alone."""
    rows = USERS.read_text(errors="replace").splitlines() if USERS.exists() else []
    found = {row.partition(":")[0]: re.search(r"userdb_sieve_max_redirects=(\d+)", row) for row in rows}
    return {account: int(number[1]) for account, number in found.items() if number}


def senders() -> dict[str, str]:
    """`written`: a sender as Postfix writes it for what is forwarded; `back`: the same as a recipient of a bounce;

    `forged`: what an address becomes that nobody made.
    """
    name = run("postconf", "-hx", "myhostname").get("text", "").strip()
    written = looked_up(SENDER, run("postconf", "-Phx", "forward-cleanup/unix/sender_canonical_maps"))
    bounces = run("postconf", "-hx", "recipient_canonical_maps")
    return {
        "written": written,
        "back": looked_up(written, bounces) if written else "",
        "forged": looked_up(f"SRS0=AAAAAA={today()}=relay.invalid=probe@{name}", bounces),
    }


def today() -> str:
    """As postsrsd writes it: with another day, an address would be refused for that."""
    day = int(time.time()) // DAY
    return DIGITS[day >> 5 & 31] + DIGITS[day & 31]


def looked_up(key: str, maps: dict[str, Any]) -> str:
    """What a table of Postfix has; nothing where it has nothing, or is not there."""
    table = str(maps.get("text", "")).strip()
    return run("sh", "-c", 'postmap -q "$1" "$2"; true', "sh", key, table).get("text", "").strip() if table else ""


def secrets() -> dict[str, Any]:
    """Who may read them, how many there are and how old the newest is; not what they are."""
    path = Path(SECRETS)
    if not path.exists():
        return {}
    return {
        "file": access(SECRETS),
        "owner": path.owner(),
        "group": path.group(),
        "lines": len(path.read_text().split()),
        "days": (time.time() - path.stat().st_mtime) / DAY,
    }


def sealed(domain: str) -> dict[str, Any]:
    """What rspamd adds to a letter that an account of that domain forwards: the seal (RFC 8617), and its symbols."""
    found = asked(LETTER.format(domain=domain).encode(), {"IP": "127.0.0.1", "From": "<>", "User": "sieve"})
    if "error" in found:
        return found
    added = found.get("milter", {}).get("add_headers", {}).get("ARC-Seal", {})
    seal = added[0] if isinstance(added, list) else added
    return {"seal": " ".join(str(seal.get("value", "")).split()), "symbols": sorted(found["symbols"])}
