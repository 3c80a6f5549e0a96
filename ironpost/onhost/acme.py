"""What is asked of certbot: an account, and a certificate for a key that certbot never makes (RFC 8555)."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from . import spki, tlskeys
from .state import Refused

CERTBOT = tlskeys.STORE / "certbot"
WEBROOT = "/var/lib/ironpost/acme"
HOOK = f"/usr/bin/python3 -B {Path(__file__).parent} challenge"
SECONDS = 300
ATTEMPTS = 3


class AccountLostError(Refused):
    """The authority knows the account no more."""


def account(config: dict[str, Any]) -> str | None:
    """The URI of the account at this directory (RFC 8555 §7.1.2), as CAA accounturi wants it (RFC 8657 §3)."""
    for file in sorted(account_folder(config).glob("*/regr.json")):
        uri = json.loads(file.read_text()).get("uri")
        if uri:
            return str(uri)
    return None


def account_folder(config: dict[str, Any]) -> Path:
    """Where certbot keeps the accounts at this directory."""
    return CERTBOT / "config/accounts" / str(config["directory"]).partition("://")[2]


def register(config: dict[str, Any]) -> str:
    """The account, made where there is none yet. Raises Refused."""
    known = account(config)
    if known:
        return known
    certbot(config, "register", "--agree-tos", "--no-eff-email", "--email", config["contact"])
    made = account(config)
    if not made:
        raise Refused(f"{config['directory']}: certbot register left no account; see {CERTBOT}/logs")
    return made


def obtain(config: dict[str, Any], name: str) -> str:
    """The chain for the key `name`, in PEM, as it came. Raises Refused with what the authority said."""
    place = tlskeys.STORE / "work"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700)
    (place / "csr.pem").write_bytes(request(name, config["names"]))
    files = {kind: str(place / f"{kind}.pem") for kind in ("cert", "chain", "fullchain")}
    paths = [word for kind, path in files.items() for word in (f"--{kind}-path", path)]
    command = ("certonly", "--csr", str(place / "csr.pem"), *paths, *proofs(config))
    try:
        certbot(config, *command)
    except AccountLostError:
        # The authority forgot it, or somebody closed it: the host goes on with one of its own.
        shutil.rmtree(account_folder(config))
        register(config)
        certbot(config, *command)
    chain = Path(files["fullchain"]).read_text()
    shutil.rmtree(place)
    return chain


def request(name: str, names: list[str]) -> bytes:
    """A certificate signing request; the names stand in the SAN alone (RFC 9525 §2)."""
    words = ["req", "-new", "-key", str(tlskeys.key_path(name)), "-subj", "/"]
    return spki.openssl(*words, "-addext", f"subjectAltName={tlskeys.alternatives(names)}")


def proofs(config: dict[str, Any]) -> list[str]:
    """How the names are proven."""
    if config["challenge"] == "http-01":
        return ["--webroot", "--webroot-path", WEBROOT, "--preferred-challenges", "http"]
    hooks = ["--manual-auth-hook", f"{HOOK} present", "--manual-cleanup-hook", f"{HOOK} clean"]
    return ["--manual", "--preferred-challenges", "dns", *hooks]


def certbot(config: dict[str, Any], verb: str, *words: str) -> None:
    """certbot with directories of its own.

    A nonce that is refused is no failure (RFC 8555 §6.5): certbot tries again once, and we start it anew.
    """
    folders = [word for name in ("config", "work", "logs") for word in (f"--{name}-dir", str(CERTBOT / name))]
    trust = {"REQUESTS_CA_BUNDLE": config["authority"] or "/etc/ssl/certs/ca-certificates.crt"}
    command = ["certbot", verb, "--non-interactive", "--server", config["directory"], *folders, *words]
    for _ in range(ATTEMPTS):
        before = logged()
        try:
            done = subprocess.run(
                command, env=os.environ | trust, capture_output=True, text=True, check=False, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            raise Refused(f"{config['directory']}: no certificate within {SECONDS} s; see {CERTBOT}/logs") from None
        if done.returncode == 0:
            return
        kind, detail = problem(logged(), before)
        if kind != "badNonce":
            break
    said = f"{config['directory']}: {detail or reason(done.stdout + done.stderr)}; see {CERTBOT}/logs"
    raise AccountLostError(said) if kind == "accountDoesNotExist" else Refused(said)


def logged() -> str:
    """What certbot has written so far; it appends, and begins anew when the file has become large."""
    log = CERTBOT / "logs/letsencrypt.log"
    return log.read_text(errors="replace") if log.exists() else ""


def problem(log: str, before: str) -> tuple[str, str]:
    """The last problem document (RFC 7807) of this run: certbot's own words sometimes hide it.

    Never one of an earlier run: an account that was unknown once would be given up while the authority is merely down.
    """
    pattern = r'"type": "urn:ietf:params:acme:error:(\w+)",\s*"detail": "((?:[^"\\]|\\.)+)"'
    found = re.findall(pattern, log.removeprefix(before))
    return (found[-1][0], re.sub(r"\\(.)", r"\1", found[-1][1])[:300]) if found else ("", "")


def reason(said: str) -> str:
    """What the authority objects to, without certbot's advice around it."""
    details = re.findall(r"^\s*(?:Detail|Hint|certbot\.errors\.\w+|acme\.\w+\.\w+): (.+)$", said, re.M)
    lines = [line.strip() for line in said.splitlines() if line.strip() and not line.startswith(("Saving", "Ask for"))]
    told = details[0] if details else (lines[-1] if lines else "no reason given")
    for line in lines:
        if not details and re.search(r"(?i)error|refused|timed out|unauthori[sz]ed|urn:ietf", line):
            told = line
            break
    return told[:300]
