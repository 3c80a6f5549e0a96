"""The service behind ironpost-certificate.timer: a certificate where one is due, validated before it is served.

An issued certificate is renewed with its own key; a new key comes only from the rollover (rollover.py). Whatever fails,
what was served before is served on, and the failure stands in the state, for `ironpost tls status`.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from . import acme, spki, tlskeys
from .challenge import CONFIG
from .state import Refused, note, write_durably

# Renewed while two fifths of the lifetime remain: a verifier that sees less than a third sees renewals that failed.
RENEW_AT = 0.4
ENDS_SOON = "it ends soon"
KEPT = 20  # rollovers that are remembered
FIRST_WAIT, LONGEST_WAIT = 15 * 60, 12 * 3600
ASKED = tlskeys.STORE / "asked"
SERVICE = "ironpost-certificate.service"
# On Debian 12 postfix.service is an empty shell around postfix@-.service.
SERVING = ("postfix@-.service", "postfix.service", "dovecot.service", "nginx.service")


def read_config() -> dict[str, Any]:
    if not CONFIG.is_file():
        raise Refused(f"{CONFIG}: this host has no certificate by ACME; its certificate comes from files")
    config: dict[str, Any] = json.loads(CONFIG.read_text())
    return config


def serve() -> int:
    """What the timer starts."""
    with tlskeys.alone():
        config, asked = read_config(), ASKED.read_text() if ASKED.exists() else ""
        ASKED.unlink(missing_ok=True)
        state = tlskeys.read()
        bring_in_line(state, config)
        try:
            attempt(state, config, asked)
        except Refused as refused:
            failures = (state["tried"] or {}).get("failures", 0) + 1
            state["tried"] = {"at": int(time.time()), "failures": failures, "error": str(refused)}
            tlskeys.write(state)
            note(f"certificate: {refused}")
            raise
    return 0


def attempt(state: dict[str, Any], config: dict[str, Any], asked: str) -> None:
    """Account, then what the rollover waits for, else what is due."""
    rolling = (state["roll"] or {}).get("step") == "switch"
    lapsed = list(dict.fromkeys(name for kind in config["kinds"] if (name := due_key(state, config, kind))))
    if not asked and waiting(state):
        return
    if asked or rolling or lapsed:
        state["account"] = acme.register(config)
        tlskeys.write(state)
    if asked == "register":
        return
    if rolling:
        coming = [state["keys"][kind]["next"] for kind in config["kinds"]]
        issue([name for name in coming if not tlskeys.issued(name)], state, config)
        turn(state, config)
    elif lapsed:
        issue(lapsed, state, config)
        state["reload"] = True
        note(f"certificate: issued for {', '.join(config['names'])}")
    if rolling or lapsed:
        state["account"] = acme.account(config)
        state["tried"] = {"at": int(time.time()), "failures": 0, "error": ""}
        tlskeys.write(state)
        bring_in_line(state, config)


def waiting(state: dict[str, Any]) -> bool:
    """After a failure the authority is left in peace for a while: 15 minutes, and twice as long each time."""
    tried = state["tried"] or {}
    failures = tried.get("failures", 0)
    if not failures:
        return False
    return bool(time.time() < tried["at"] + min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT))


def due(state: dict[str, Any], config: dict[str, Any]) -> str:
    """Why a certificate is due, of whatever kind."""
    known = [state["keys"][kind] for kind in config["kinds"] if kind in state["keys"]]
    return next(filter(None, (lacking(ids, config, state["origins"]) for ids in known)), "")


def due_for_dns() -> str:
    """The same where `ironpost dns apply` is to see to it; what only ends soon is the timer's."""
    why = due(tlskeys.read(), read_config())
    return "" if why == ENDS_SOON else why


def due_key(state: dict[str, Any], config: dict[str, Any], kind: str) -> str | None:
    """The current key of a kind when its certificate is due."""
    ids = state["keys"][kind]
    return str(ids["current"]) if lacking(ids, config, state["origins"]) else None


def lacking(ids: dict[str, Any], config: dict[str, Any], origins: Mapping[str, str] = MappingProxyType({})) -> str:
    """Why the certificate of a current key is due; empty when it is not. An older version noted no origin."""
    name = ids["current"]
    if not tlskeys.issued(name):
        return "none was issued yet"
    if origins.get(name, config["directory"]) != config["directory"]:
        return "it is not of the authority that the settings name"
    path = str(tlskeys.chain_path(name))
    if not set(config["names"]) <= names_of(path):
        return "a name is missing"
    start, end = dates(path)
    return ENDS_SOON if time.time() > end - (end - start) * RENEW_AT else ""


def names_of(path: str) -> set[str]:
    text = spki.openssl("x509", "-in", path, "-noout", "-ext", "subjectAltName").decode()
    return set(re.findall(r"DNS:([^,\s]+)", text))


def dates(path: str) -> tuple[float, float]:
    import ssl

    text = spki.openssl("x509", "-in", path, "-noout", "-startdate", "-enddate").decode()
    start, end = (ssl.cert_time_to_seconds(line.partition("=")[2]) for line in text.strip().splitlines())
    return start, end


def issue(keys: list[str], state: dict[str, Any], config: dict[str, Any]) -> None:
    """A chain for each of these keys, kept only when it is what was asked for."""
    for name in keys:
        chain = acme.obtain(config, name)
        validate(chain, name, config["names"])
        write_durably(tlskeys.chain_path(name), chain)
        known = {each: origin for each, origin in state["origins"].items() if tlskeys.key_path(each).is_file()}
        state["origins"] = known | {name: config["directory"]}
        tlskeys.write(state)


def validate(chain: str, name: str, names: list[str]) -> None:
    """Key, names, time, and that each certificate is signed by the next one. Raises Refused."""
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "chain.pem"
        whole.write_text(chain if chain.endswith("\n") else chain + "\n")
        links = tlskeys.certificates(whole)
        if not links or spki.of_file(whole) != spki.of_file(tlskeys.key_path(name)):
            raise Refused("the authority sent a certificate of another key; the old one is served on")
        missing = set(names) - names_of(str(whole))
        if missing:
            raise Refused(f"the authority sent a certificate without {', '.join(sorted(missing))}")
        start, end = dates(str(whole))
        if not start - 3600 <= time.time() < end:
            raise Refused("the authority sent a certificate that is not valid now; see that this clock is right")
        for lower, upper in pairwise(links):
            signed(Path(folder), lower, upper)


def signed(folder: Path, lower: str, upper: str) -> None:
    (folder / "lower.pem").write_text(lower)
    (folder / "upper.pem").write_text(upper)
    try:
        spki.openssl("verify", "-partial_chain", "-trusted", str(folder / "upper.pem"), str(folder / "lower.pem"))
    except Refused:
        raise Refused("the authority sent a chain in which one certificate is not signed by the next") from None


def turn(state: dict[str, Any], config: dict[str, Any]) -> None:
    """The next key becomes the current one, in one write; what is served follows."""
    for kind in config["kinds"]:
        ids = state["keys"][kind]
        ids["old"], ids["current"], ids["next"] = ids["current"], ids["next"], None
    roll = state["roll"]
    state["rolls"] = [
        *state.get("rolls", []),
        {key: roll[key] for key in ("shown", "ttl")} | {"switched": int(time.time())},
    ][-KEPT:]
    roll["step"] = "verify"
    state["reload"] = True
    tlskeys.write(state)
    note("certificate: the next key is served from now on")


def bring_in_line(state: dict[str, Any], config: dict[str, Any]) -> None:
    """Files as the state says, and each daemon told once. A crash in between is made good by the next run."""
    if tlskeys.settle(state, config) or state["reload"]:
        state["reload"] = True
        tlskeys.write(state)
        reload()
        state["reload"] = False
        tlskeys.write(state)


def reload() -> None:
    """Whoever serves the certificate reads it again; sessions that are open go on."""
    for unit in SERVING:
        if subprocess.run(["systemctl", "is-active", "--quiet", unit], check=False).returncode == 0:
            subprocess.run(["systemctl", "reload", unit], capture_output=True, check=False)


def ask(what: str) -> dict[str, Any]:
    """For the controller: `register` or `issue` now, whatever failed before. The service does it, in its sandbox."""
    read_config()
    tlskeys.STORE.mkdir(mode=0o700, parents=True, exist_ok=True)
    ASKED.write_text(what)
    subprocess.run(["systemctl", "start", SERVICE], capture_output=True, check=False)
    return status()


def status() -> dict[str, Any]:
    """What the host knows of its keys and certificates, without a secret."""
    config, state = read_config(), tlskeys.read()
    keys = state["keys"]
    return {
        "account": state["account"],
        "tried": state["tried"],
        "roll": state["roll"],
        "now": int(time.time()),
        "since": state.get("rolled") or int(tlskeys.key_path(keys["ecdsa"]["current"]).stat().st_mtime),
        "due": due(state, config),
        "held": state["held"],
        "certificates": {kind: tlskeys.certificates(tlskeys.served_path(kind))[0] for kind in config["kinds"]},
        "keys": tlskeys.public_keys(config),
    }
