"""From certificates in files to those of an authority, without a gap: the key that is served stays the same.

DNS holds the digest of that key, and senders may remember it for a while. So the host takes over key and chain of the
files, serves them on, and asks the authority for a certificate of this very key. A key that was born here, and that no
controller ever had, comes as every new key does: by a rollover.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from . import certificate, spki, tlskeys
from .state import Refused, note, write_durably

ORIGIN = "files"


def adopt(wanted: dict[str, Any], earlier: dict[str, Any]) -> None:
    """Before a switch from the manifest `earlier`: whatever its files serve is served on. May be repeated."""
    found = files_of(earlier)
    if found is None:
        return
    key, chain = found
    with tlskeys.alone():
        state = tlskeys.read()
        kinds = heirs(wanted["kinds"], key)
        name = known(state, kinds, key) or f"inherited-{state['born'] + 1}"
        if not tlskeys.key_path(name).is_file():
            state["born"] += 1
            tlskeys.key_path(name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_durably(tlskeys.key_path(name), key.read_text())
        tlskeys.chain_path(name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if is_good(chain, wanted["names"][0]):
            write_durably(tlskeys.chain_path(name), chain.read_text())
            state["origins"][name] = ORIGIN
        give(state, kinds, name)


def files_of(manifest: dict[str, Any]) -> tuple[Path, Path] | None:
    """Key and chain that a generation served from files, where they are there and belong together."""
    for row in manifest.get("tls_files", []):
        chain = Path(row["path"])
        key = chain.with_name("key.pem")  # as components/certificates.py names it
        try:
            if row["state"] == "current" and spki.of_file(chain) == spki.of_file(key):
                return key, chain
        except Refused:
            continue
    return None


def heirs(kinds: list[str], key: Path) -> list[str]:
    """Which kinds get it. An RSA key gets all: were another key served beside it, DNS would not know that one yet."""
    kind = spki.told(spki.of_file(key), "current")["kind"]
    return list(kinds) if kind == "rsa" else list(kinds)[:1]


def known(state: dict[str, Any], kinds: list[str], key: Path) -> str | None:
    """The name under which this key is here already: an earlier try, or a host that went back to files."""
    for kind in kinds:
        name = state["keys"].get(kind, {}).get("current")
        if name and tlskeys.key_path(name).is_file() and spki.of_file(tlskeys.key_path(name)) == spki.of_file(key):
            return str(name)
    return None


def is_good(chain: Path, name: str) -> bool:
    """Whether it can be served on. One that has ended would stop the switch to what is to replace it."""
    start, end = certificate.dates(str(chain))
    told = spki.openssl("x509", "-in", str(chain), "-noout", "-checkhost", name)
    return start <= time.time() < end and b"does match" in told


def give(state: dict[str, Any], kinds: list[str], name: str) -> None:
    """The key becomes the current one. What the host had of earlier, before it went to files, nobody serves now."""
    left = []
    for kind in kinds:
        ids = state["keys"].setdefault(kind, dict.fromkeys(tlskeys.STATES))
        left += [each for place in ("current", "old") if (each := ids[place]) and each != name]
        ids["current"], ids["old"] = name, None
    state["roll"] = None
    tlskeys.write(state)
    for each in dict.fromkeys(left):
        tlskeys.forget(each)
    note("certificate: that from files is served on until the authority has issued another")
