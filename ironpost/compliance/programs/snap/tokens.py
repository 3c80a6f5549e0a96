"""The check of access tokens: what it says is in force, and what it answers to forged ones."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from .look import run

PROVIDERS = Path("/etc/ironpost/openid/providers.json")
ACCOUNTS = Path("/etc/ironpost/openid/accounts")
PORT = 915
UNITS = ("ironpost-openid.service", "ironpost-openid.socket")


def parts() -> dict[str, Any]:
    """`tokens`: {units, providers, status, forged: [{what, answer}]}; no token of anybody's is in it."""
    found: dict[str, Any] = {"units": run("systemctl", "show", "--property=Id,ActiveState", *UNITS)}
    if not PROVIDERS.exists():
        return {"tokens": found}
    try:
        found["providers"] = json.loads(PROVIDERS.read_text())["providers"]
        found["status"] = asked("GET", "/status")
        found["forged"] = [{"what": what, "answer": judged(*forgery)} for what, *forgery in forgeries(found)]
    except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
        found["error"] = f"the check of tokens does not answer: {type(error).__name__}"
    return {"tokens": found}


def forgeries(found: dict[str, Any]) -> Any:
    """(what, token, service, address) for an account of each domain, as far as one may use tokens."""
    rows = [line.split("\t") for line in ACCOUNTS.read_text().splitlines() if not line.startswith("#")]
    for provider in found["providers"]:
        mine = [row for row in rows if row[0].endswith("@" + provider["domain"])]
        for address, service, networks, _ in mine[:1]:
            client = "192.0.2.1" if networks == "*" else networks.split(",")[0].partition("/")[0]
            yield "without a signature", signed("none", provider, address), service, client
            yield "signed with a word", signed("HS256", provider, address), service, client
            yield "with a signature of nobody", signed("RS256", provider, address), service, client


def signed(algorithm: str, provider: dict[str, Any], address: str) -> str:
    """A token that is right in everything but its signature."""
    now = int(time.time())
    claims = {"iss": provider["issuer"], "aud": provider["audience"], "sub": address, provider["claim"]: address}
    claims |= {"iat": now, "exp": now + 300, "scope": " ".join(provider["scope"]), "amr": ["mfa"]}
    claims |= {"client_id": (provider["clients"] or ["none"])[0], "acr": provider["second_factor"] or "none"}
    header = {"alg": algorithm, "typ": provider["token_type"]}
    start = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(claims).encode())}"
    proofs = {"none": b"", "HS256": hmac.digest(b"secret", start.encode(), hashlib.sha256), "RS256": bytes(256)}
    return f"{start}.{encoded(proofs[algorithm])}"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def judged(token: str, service: str, client: str) -> Any:
    """What Dovecot would hear: `active` true or false, or that nobody can say."""
    headers = {"X-Dovecot-Auth-Service": service, "X-Dovecot-Auth-Remote": client}
    headers["Content-Type"] = "application/x-www-form-urlencoded"
    return asked("POST", "/introspect", urlencode({"token": token}), headers)


def asked(method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> Any:
    talk = http.client.HTTPConnection("127.0.0.1", PORT, timeout=8)
    try:
        talk.request(method, path, body, headers or {})
        return json.loads(talk.getresponse().read())
    finally:
        talk.close()
