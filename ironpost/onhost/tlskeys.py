"""The host's own TLS keys: born here (or taken over from files, inherited.py), never sent anywhere, and served together
with the certificate of each.

Below /var/lib/ironpost/tls: `keys/ID.key`, `chains/ID.pem` and `state.json`, which says which ID of a kind is current,
next or old. What Dovecot and the web server read is /etc/ssl/ironpost/KIND.pem: key and chain in one file, so that one
rename replaces both and no daemon ever meets the key of one certificate beside the chain of another. Postfix reads the
same, or all.pem where there are two kinds: it has no TLS at all when two files hold the same key.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import spki
from .state import TOP, Refused, write_durably

SCHEMA = 1
STORE = TOP / "tls"
STATE = STORE / "state.json"
SERVED = Path("/etc/ssl/ironpost")
STATES = ("current", "next", "old")
BOOTSTRAP_DAYS = 30
# RSA 3072 has the strength of P-256 (NIST SP 800-57 part 1, table 2).
BORN = {
    "ecdsa": ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "rsa": ("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"),
}


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One change of keys and certificates at a time."""
    STORE.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (STORE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read() -> dict[str, Any]:
    """`keys`: kind → {current, next, old: ID}; `born`: how many there were; `tried`: the last attempt; `roll`;

    `origins`: ID → who gave its chain; `held`: until when caches may know sets of TLSA records that were replaced.
    """
    empty = {"schema": SCHEMA, "keys": {}, "born": 0, "account": None, "tried": None, "roll": None, "reload": False}
    empty |= {"origins": {}, "held": 0}
    if not STATE.exists():
        return empty
    state: dict[str, Any] = empty | json.loads(STATE.read_text())
    if state["schema"] > SCHEMA:
        raise Refused(f"{STATE}: has schema {state['schema']}; use an ironpost at least as new as that which wrote it")
    return state


def write(state: dict[str, Any]) -> None:
    STORE.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(STATE, json.dumps(state))


def key_path(name: str) -> Path:
    return STORE / "keys" / f"{name}.key"


def chain_path(name: str) -> Path:
    return STORE / "chains" / f"{name}.pem"


def served_path(kind: str) -> Path:
    return SERVED / f"{kind}.pem"


def ensure(wanted: dict[str, Any]) -> None:
    """Each kind has a current and a next key, and something to serve, if only a certificate that it signed itself."""
    with alone():
        state = read()
        for kind in wanted["kinds"]:
            ids = state["keys"].setdefault(kind, dict.fromkeys(STATES))
            for place in ("current", "next"):
                if not ids[place] or not key_path(ids[place]).is_file():
                    ids[place] = bear(kind, state)
                    write(state)
        settle(state, wanted)


def bear(kind: str, state: dict[str, Any]) -> str:
    """A new private key; the state that will name it is the caller's to write."""
    state["born"] += 1
    name = f"{kind}-{state['born']}"
    key_path(name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_durably(key_path(name), spki.openssl(*BORN[kind]).decode())
    return name


def settle(state: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Brings what is served in line with the state; whether something changed. What a crash left is finished here."""
    SERVED.mkdir(mode=0o755, parents=True, exist_ok=True)
    for kind in wanted["kinds"]:
        chain_or_bootstrap(state["keys"][kind]["current"], wanted["names"], served_path(kind))
    changed = [put(path, text) for path, text in to_serve(state, wanted).items()]
    return any(changed)


def to_serve(state: dict[str, Any], wanted: dict[str, Any]) -> dict[Path, str]:
    """Path → what belongs there. Together each key stands once: Postfix takes one chain of a kind."""
    shown = {kind: shown_for(kind, state, wanted) for kind in wanted["kinds"]}
    texts = {kind: key_path(name).read_text() + chain_path(name).read_text() for kind, name in shown.items()}
    files = {served_path(kind): text for kind, text in texts.items()}
    return files | ({served_path("all"): "".join(dict.fromkeys(texts.values()))} if len(files) > 1 else {})


def put(path: Path, text: str) -> bool:
    """Whether it was something else."""
    changed = not path.is_file() or path.read_text() != text
    if changed:
        write_durably(path, text)
    path.chmod(0o600)
    return changed


def shown_for(kind: str, state: dict[str, Any], wanted: dict[str, Any]) -> str:
    """The key that is served for a kind: another kind's while only that one's certificate was issued.

    Nobody who asks for RSA is to meet a certificate that signed itself on a host that has a real one.
    """
    own = state["keys"][kind]["current"]
    others = [state["keys"][each]["current"] for each in wanted["kinds"] if each in state["keys"]]
    return str(next((name for name in (own, *others) if name and issued(name)), own))


def chain_or_bootstrap(name: str, names: list[str], served: Path) -> str:
    """The chain that was issued for a key; before that, a certificate of the same key, signed by itself.

    A chain that was lost here is taken from what is served, where it still is.
    """
    path = chain_path(name)
    if not path.is_file():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = "".join(certificates(served))
        same = kept and spki.of_file(served) == spki.of_file(key_path(name))
        write_durably(path, kept if same else bootstrap(name, names))
    return path.read_text()


def bootstrap(name: str, names: list[str]) -> str:
    words = ["req", "-x509", "-key", str(key_path(name)), "-days", str(BOOTSTRAP_DAYS), "-subj", f"/CN={names[0]}"]
    return spki.openssl(*words, "-addext", f"subjectAltName={alternatives(names)}").decode()


def alternatives(names: list[str]) -> str:
    return ",".join(f"DNS:{name}" for name in names)


def certificates(path: Path) -> list[str]:
    """The certificates of a PEM file, in order."""
    pattern = r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\n"
    return re.findall(pattern, path.read_text(), re.S) if path.is_file() else []


def issued(name: str) -> bool:
    """Whether somebody else than the key itself signed its certificate."""
    if not chain_path(name).is_file():
        return False
    text = spki.openssl("x509", "-in", str(chain_path(name)), "-noout", "-subject", "-issuer").decode()
    subject, issuer = (line.partition("=")[2].strip() for line in text.strip().splitlines())
    return subject != issuer


def public_keys(wanted: dict[str, Any]) -> list[dict[str, str]]:
    """The digest of each key that is, will be or was served."""
    state = read()
    return [
        spki.told(spki.of_file(key_path(name)), place)
        for kind in wanted["kinds"]
        for place, name in state["keys"].get(kind, {}).items()
        if name and key_path(name).is_file()
    ]


def difference(wanted: dict[str, Any]) -> list[tuple[str, str]]:
    """(path, why) of each key or served file that is not as it should be."""
    state, found = read(), []
    for kind in wanted["kinds"]:
        ids = state["keys"].get(kind) or dict.fromkeys(STATES)
        keys = [
            key_path(str(ids[place])) if ids[place] else STORE / "keys" / f"{kind} ({place})" for place in STATES[:2]
        ]
        chains = [chain_path(ids["current"])] if ids["current"] else []
        for path in [*keys, *chains, served_path(kind)]:
            why = wrong(path)
            found += [(str(path), why)] if why else []
    for path, text in {} if found else to_serve(state, wanted).items():
        why = wrong(path) or ("secret differs" if path.read_text() != text else None)
        found += [(str(path), why)] if why else []
    return found


def wrong(path: Path) -> str | None:
    if not path.is_file():
        return "missing"
    mode, owner = path.stat().st_mode & 0o777, path.stat().st_uid
    if mode & 0o077 or owner:
        return f"mode is {mode:o} and owner {owner}, should be 600 and root"
    return None


def forget(name: str) -> None:
    """A key that nothing serves any more is destroyed, with its certificate."""
    for path in (key_path(name), chain_path(name)):
        path.unlink(missing_ok=True)
    os.sync()
