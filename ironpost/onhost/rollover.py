"""The steps of a key rollover that happen on the host (RFC 7671 §8.1), each repeatable; the controller goes between.

wait → switch → verify → publish → none. `shown` is when every authoritative server was first seen to show the next
key; the host itself refuses to switch before two TTLs have passed since then, whoever asks.
"""

from __future__ import annotations

import time
from typing import Any

from . import certificate, tlskeys
from .state import Refused, note


def roll(verb: str, *words: str) -> dict[str, Any]:
    """`begin`, `shown TTL`, `unseen [TTL]`, `replaced TTL`, `switch`, `retire`, `end`.

    The answer is that of `certificate.status`.
    """
    config = certificate.read_config()
    with tlskeys.alone():
        state = tlskeys.read()
        VERBS[verb](state, config, *words)
        tlskeys.write(state)
    if verb == "switch":
        certificate.ask("issue")
    return certificate.status()


def begin(state: dict[str, Any], config: dict[str, Any]) -> None:
    if state["roll"] is None:
        give_next(state, config)
        state["roll"] = {"step": "wait", "since": int(time.time()), "shown": None, "ttl": 0}


def give_next(state: dict[str, Any], config: dict[str, Any]) -> None:
    for kind in config["kinds"]:
        ids = state["keys"][kind]
        if not ids["next"] or not tlskeys.key_path(ids["next"]).is_file():
            ids["next"] = tlskeys.bear(kind, state)
            tlskeys.write(state)


def shown(state: dict[str, Any], config: dict[str, Any], ttl: str) -> None:
    """Every server shows the next key, with this TTL at most."""
    step = in_roll(state, "wait")
    step["shown"] = step["shown"] or int(time.time())
    step["ttl"] = max(step["ttl"], int(ttl))


def unseen(state: dict[str, Any], config: dict[str, Any], ttl: str = "0") -> None:
    """A server does not show the next key (any more), or shows a set that is about to change: what caches learned from
    it may be old again, and they keep it for as long as its own TTL says."""
    step = in_roll(state, "wait")
    step["shown"] = None
    step["ttl"] = max(step["ttl"], int(ttl))


def replaced(state: dict[str, Any], config: dict[str, Any], ttl: str) -> None:
    """DNS is about to replace a set of this TTL, outside of a rollover or at its end. What caches learned a moment ago
    they keep for as long as that says, whatever the TTL of the new set is: until then no new key is served."""
    state["held"] = max(state["held"], int(time.time()) + 2 * int(ttl))


def switch(state: dict[str, Any], config: dict[str, Any]) -> None:
    """From here on the host goes on by itself: its service fetches the certificate of the next key and serves it."""
    if (state["roll"] or {}).get("step") in ("switch", "verify"):
        return
    step = in_roll(state, "wait")
    if step["shown"] is None or time.time() < max(step["shown"] + 2 * step["ttl"], state["held"]):
        raise Refused("the next key must be seen on every name server for two TTLs before it is served (RFC 7671 §8.1)")
    step["step"] = "switch"


def retire(state: dict[str, Any], config: dict[str, Any]) -> None:
    """The old key is destroyed, and the key after the new one is born, so that its record stands long before."""
    in_roll(state, "verify")
    old = [state["keys"][kind]["old"] for kind in config["kinds"]]
    give_next(state, config)
    for kind in config["kinds"]:
        state["keys"][kind]["old"] = None
    state["roll"]["step"] = "publish"
    state["rolled"] = int(time.time())
    tlskeys.write(state)
    for name in filter(None, old):
        tlskeys.forget(name)
    note("certificate: the old key is destroyed")


def end(state: dict[str, Any], config: dict[str, Any]) -> None:
    """DNS holds the key after the new one, and the old one no more."""
    in_roll(state, "publish")
    state["roll"] = None
    note("certificate: the rollover is complete")


def in_roll(state: dict[str, Any], step: str) -> dict[str, Any]:
    found: dict[str, Any] = state["roll"] or {}
    if found.get("step") != step:
        raise Refused(f"the rollover is not at the step {step!r} ({found.get('step') or 'none goes on'}); run it again")
    return found


VERBS: dict[str, Any] = {
    "begin": begin,
    "shown": shown,
    "unseen": unseen,
    "replaced": replaced,
    "switch": switch,
    "retire": retire,
    "end": end,
}
