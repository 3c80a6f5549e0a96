"""The steps of a rotation on the host. Each is one change of state, to be asked for again after a crash."""

from __future__ import annotations

import time
from typing import Any

from . import keys, milter, pairs, signing, units
from .state import Refused, note, read_state

RELOAD_SECONDS = 20
DONE = {
    "published": "shown by every name server",
    "revoke": "revoked, private keys destroyed",
    "forget": "forgotten",
}
AFTER = {"published": "next", "sign": "published", "revoke": "retiring", "forget": "revoked"}


def tell(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Each pair of the domains that this generation signs for; `age`: seconds since it came to its place."""
    state, now = pairs.read(), int(time.time())
    return [
        {
            "domain": signer["domain"],
            "state": pair["state"],
            "age": now - pair["since"],
            "born": now - pair["born"],
            "wait": pair.get("wait", 0),
            "keys": [
                {"kind": kind, "selector": pair[kind], "public": keys.told(signer["domain"], pair[kind])}
                for kind in keys.KINDS
            ],
        }
        for signer in manifest.get("signers", [])
        for pair in state["domains"].get(signer["domain"], [])
    ]


def step(manifest: dict[str, Any], asked: list[dict[str, Any]]) -> list[str]:
    """Takes steps {step, domain, rsa, wait}; one that was taken already is none. What was done. Raises Refused."""
    if read_state()["phase"] != "settled":
        raise Refused("a generation is being switched to; run this again once it is confirmed or undone")
    signers = {signer["domain"]: signer for signer in manifest.get("signers", [])}
    strangers = [each["domain"] for each in asked if each["domain"] not in signers]
    if strangers:
        raise Refused(f"{strangers[0]}: no domain that this host signs for; deploy it first")
    for domain in {each["domain"] for each in asked}:
        pairs.sweep(pairs.read(), domain)
    done = [line for each in asked if each["step"] != "sign" for line in take(each, signers[each["domain"]])]
    done += sign([each for each in asked if each["step"] == "sign"])
    for line in done:
        note(f"dkim: {line}")
    return done


def take(asked: dict[str, Any], signer: dict[str, Any]) -> list[str]:
    state, domain = pairs.read(), asked["domain"]
    if asked["step"] == "bear":
        return [] if pairs.of(state, domain, *pairs.COMING) else [born(state, signer)]
    pair = next((pair for pair in pairs.of(state, domain, AFTER[asked["step"]]) if pair["rsa"] == asked["rsa"]), None)
    if pair is None:
        return []
    if asked["step"] == "published":
        pairs.move(pair, "published")
        pair["wait"] = float(asked.get("wait", 0))
    elif asked["step"] == "revoke":
        pairs.move(pair, "revoked")
    else:
        state["domains"][domain].remove(pair)
    pairs.write(state)
    # after the state, so that no crash leaves a pair that should verify without its key; the next step sweeps too
    pairs.sweep(state, domain)
    return [f"{domain}: {pair['rsa']} and {pair['ed25519']}: {DONE[asked['step']]}"]


def born(state: dict[str, Any], signer: dict[str, Any]) -> str:
    if signer["rsa"] is not None:
        raise Refused(
            f"{signer['domain']}: the settings name the selectors {signer['rsa']} and {signer['ed25519']}; "
            "write new ones into Dkim(…) and deploy, or leave them out so that the host makes them up"
        )
    pair = pairs.bear(state, signer, "next")
    return f"{signer['domain']}: {pair['rsa']} and {pair['ed25519']}: born"


def sign(asked: list[dict[str, Any]]) -> list[str]:
    """rspamd first, the state last: until the running rspamd is seen to sign anew, the old pair counts as signing.

    Both pairs are published, so that a crash in between does no harm, and the step can be taken again.
    """
    state = pairs.read()
    turns = [(each["domain"], pair) for each in asked for pair in coming(state, each)]
    if not turns:
        return []
    for domain, pair in turns:
        signing.write(domain, pair)
    try:
        read_again({domain: {pair[kind] for kind in keys.KINDS} for domain, pair in turns})
    except Refused:
        signing.settle([{"domain": domain} for domain, _ in turns])
        units.systemctl("reload", "rspamd.service", must=False)
        raise
    for domain, pair in turns:
        for old in pairs.of(state, domain, "signing"):
            pairs.move(old, "retiring")
        pairs.move(pair, "signing")
    pairs.write(state)
    return [f"{domain}: {pair['rsa']} and {pair['ed25519']}: signing" for domain, pair in turns]


def coming(state: dict[str, Any], asked: dict[str, Any]) -> list[pairs.Pair]:
    return [pair for pair in pairs.of(state, asked["domain"], "published") if pair["rsa"] == asked["rsa"]]


def read_again(wanted: dict[str, set[str]]) -> None:
    """Reloads rspamd, which hands over from worker to worker; returns once it signs as wanted. Raises Refused."""
    units.systemctl("reload", "rspamd.service")
    until = time.monotonic() + RELOAD_SECONDS
    for domain, expected in wanted.items():
        while (found := asked_of_rspamd(domain)) != expected:
            if time.monotonic() > until:
                raise Refused(
                    f"{domain}: rspamd signs with {', '.join(sorted(found)) or 'nothing'} after its reload; the keys "
                    "before are in place again, see journalctl -u rspamd"
                )
            time.sleep(0.3)


def asked_of_rspamd(domain: str) -> set[str]:
    try:
        return milter.selectors(domain)
    except OSError:
        return set()
