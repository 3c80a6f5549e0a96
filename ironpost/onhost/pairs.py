"""The pairs of DKIM keys of each domain, and where each stands between birth and removal (docs/decisions/0004).

next: born, and perhaps shown somewhere. published: every name server shows it. signing: under each message.
retiring: signs no more, still verifies what is on its way. revoked: private half destroyed, DNS shows an empty p=.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import Any

from . import keys
from .state import SCHEMA, TOP, Refused, manifest_of, read_state, write_durably

FILE = TOP / "dkim.json"
COMING = ("next", "published")
# No vowels: a selector is not to spell anything. Four of them never meet again, also after a host was set up anew.
LETTERS = "bcdfghjkmnpqrstvwxz"

Pair = dict[str, Any]  # rsa, ed25519: selectors; state; since, born: seconds since 1970
Pairs = dict[str, list[Pair]]  # by domain


def read() -> dict[str, Any]:
    """`domains`: the pairs; `used`: every selector that ever was, for none may come back."""
    if not FILE.exists():
        return {"schema": SCHEMA, "domains": {}, "used": []}
    state: dict[str, Any] = json.loads(FILE.read_text())
    if state["schema"] > SCHEMA:
        raise Refused(f"{FILE}: has schema {state['schema']}; use an ironpost at least as new as its writer")
    return state


def write(state: dict[str, Any]) -> None:
    write_durably(FILE, json.dumps(state, indent=1) + "\n")


def of(state: dict[str, Any], domain: str, *wanted: str) -> list[Pair]:
    """The pairs of a domain that stand at one of these places."""
    return [pair for pair in state["domains"].get(domain, []) if pair["state"] in wanted]


def move(pair: Pair, place: str) -> None:
    pair["state"], pair["since"] = place, int(time.time())


def bear(state: dict[str, Any], signer: dict[str, Any], place: str) -> Pair:
    """A new pair, its keys first: what the state names is always there."""
    rsa, ed25519 = fresh(signer) if signer["rsa"] is None else (signer["rsa"], signer["ed25519"])
    taken = [selector for selector in (rsa, ed25519) if f"{selector}._domainkey.{signer['domain']}" in state["used"]]
    if taken:
        raise Refused(f"{signer['domain']}: the selector {taken[0]} was used before; give dkim= a new one")
    for kind, selector in (("rsa", rsa), ("ed25519", ed25519)):
        keys.make(signer["domain"], selector, kind)
    pair = {"rsa": rsa, "ed25519": ed25519, "born": int(time.time())}
    move(pair, place)
    state["domains"].setdefault(signer["domain"], []).append(pair)
    state["used"] += [f"{selector}._domainkey.{signer['domain']}" for selector in (rsa, ed25519)]
    write(state)
    return pair


def fresh(signer: dict[str, Any]) -> tuple[str, str]:
    """Selectors that say whose they are and since when, and that nobody can have asked for before."""
    word = "".join(secrets.choice(LETTERS) for _ in range(4))
    stem = f"{signer['label']}-{time.strftime('%Y%m', time.gmtime())}{word}"
    return f"{stem}-r", f"{stem}-e"


def is_named(pair: Pair, signer: dict[str, Any]) -> bool:
    """Whether the settings ask for this pair; made-up selectors are as good as any."""
    return signer["rsa"] is None or (pair["rsa"], pair["ed25519"]) == (signer["rsa"], signer["ed25519"])


def adopted(state: dict[str, Any], signer: dict[str, Any]) -> bool:
    """Takes over the keys that sign although the state does not know them: it was lost, or there was none yet."""
    domain = signer["domain"]
    found = signed_with(domain)
    paths = {kind: keys.path_of(domain, selector) for kind, selector in found.items()}
    if set(found) != set(keys.KINDS) or not all(path.is_file() for path in paths.values()):
        return False
    if not all(keys.public_half(kind, path) for kind, path in paths.items()):
        return False
    born = int(paths["rsa"].stat().st_mtime)
    pair = found | {"state": "signing", "since": born, "born": born}
    state["domains"].setdefault(domain, []).append(pair)
    state["used"] += [f"{selector}._domainkey.{domain}" for selector in found.values()]
    write(state)
    return True


def signed_with(domain: str) -> dict[str, str]:
    """Kind → selector, as rspamd is told, or as a generation that named them itself had it."""
    path = keys.signing_file(domain)
    if path.is_file():
        return dict(zip(keys.KINDS, re.findall(r'selector = "([a-z0-9-]+)"', path.read_text()), strict=False))
    earlier = manifest_of(read_state()["current"]).get("dkim_keys", [])
    return {key["kind"]: key["selector"] for key in earlier if key["domain"] == domain}


def live(state: dict[str, Any], domain: str) -> set[str]:
    """Selectors whose private keys are to be here."""
    pairs = state["domains"].get(domain, [])
    return {pair[kind] for pair in pairs if pair["state"] != "revoked" for kind in keys.KINDS}


def sweep(state: dict[str, Any], domain: str) -> None:
    """Destroys what a crash left: private halves of revoked pairs, and of pairs that were never written down."""
    for selector in keys.kept(domain) - live(state, domain):
        keys.destroy(domain, selector)
