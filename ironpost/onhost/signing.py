"""What rspamd signs with: a file for each domain, written from the pairs, and the running rspamd asked about it."""

from __future__ import annotations

import shutil
from typing import Any

from . import keys, pairs


def text_of(domain: str, pair: pairs.Pair) -> str:
    rows = [f'  {{ selector = "{pair[kind]}"; path = "{keys.path_of(domain, pair[kind])}"; }},' for kind in keys.KINDS]
    return "\n".join(["# Written by ironpost; `ironpost dkim rotate` changes it.", "selectors [", *rows, "]", ""])


def write(domain: str, pair: pairs.Pair) -> bool:
    """Whether the file had to change."""
    path = keys.signing_file(domain)
    text = text_of(domain, pair)
    if path.is_file() and path.read_text() == text:
        return False
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.chmod(0o640)
    shutil.chown(partial, "root", keys.OWNER)
    partial.replace(path)
    return True


def differences(signer: dict[str, Any]) -> list[tuple[str, str | None]]:
    """(what, why or None) for all that a domain needs to be signed for."""
    state, domain = pairs.read(), signer["domain"]
    current = pairs.of(state, domain, "signing")
    if not current:
        return [(f"of {domain}", "missing")]
    path = keys.signing_file(domain)
    right = path.is_file() and path.read_text() == text_of(domain, current[0])
    found: list[tuple[str, str | None]] = [(str(path), None if right else "names other keys than those that sign")]
    for pair in pairs.of(state, domain, "signing", "retiring", *pairs.COMING):
        places = [(kind, keys.path_of(domain, pair[kind])) for kind in keys.KINDS]
        found += [(str(place), keys.difference(kind, place)) for kind, place in places]
    strays = sorted(keys.kept(domain) - pairs.live(state, domain))
    found += [(str(keys.path_of(domain, selector)), "belongs to no pair; to be destroyed") for selector in strays]
    if not any(pairs.is_named(pair, signer) for pair in pairs.of(state, domain, "signing", *pairs.COMING)):
        found.append((f"of {domain}", f"{signer['rsa']} and {signer['ed25519']} are to be born"))
    return found


def prepare(signers: list[dict[str, Any]]) -> None:
    """Before a generation is tried: every domain has keys, and a file that names them. What signs stays as it is."""
    state = pairs.read()
    for signer in signers:
        domain = signer["domain"]
        if not pairs.of(state, domain, "signing") and not pairs.adopted(state, signer):
            pairs.bear(state, signer, "signing")
        if not any(pairs.is_named(pair, signer) for pair in pairs.of(state, domain, "signing", *pairs.COMING)):
            pairs.bear(state, signer, "next")
        for pair in pairs.of(state, domain, "signing", "retiring", *pairs.COMING):
            for kind in keys.KINDS:
                keys.make(domain, pair[kind], kind)
        pairs.sweep(state, domain)
        if not keys.signing_file(domain).is_file():
            write(domain, pairs.of(state, domain, "signing")[0])


def settle(signers: list[dict[str, Any]]) -> list[str]:
    """With a switch: the files that had gone astray, put right; rspamd is to read them again."""
    state = pairs.read()
    return [
        str(keys.signing_file(signer["domain"]))
        for signer in signers
        for pair in pairs.of(state, signer["domain"], "signing")
        if write(signer["domain"], pair)
    ]
