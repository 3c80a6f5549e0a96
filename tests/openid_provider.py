"""An OpenID provider on this machine for tests: HTTPS, keys, and whatever a test has it say."""

from __future__ import annotations

import http.server
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from ironpost.lab.authority import Authority
from ironpost.openid.check import Checker

ANNA = "anna@example.org"
KEY = rsa.generate_private_key(65537, 2048)


@dataclass
class Provider:
    """A provider on this machine; `says` may be replaced by anything."""

    folder: Path
    port: int = 0
    keys: list[dict[str, Any]] = field(default_factory=list)
    says: Callable[[str], tuple[int, bytes]] | None = None
    asked: int = 0

    @property
    def issuer(self) -> str:
        return f"https://localhost:{self.port}"

    def answer(self, path: str) -> tuple[int, bytes]:
        self.asked += 1
        if self.says:
            return self.says(path)
        if path == "/jwks":
            return 200, json.dumps({"keys": self.keys}).encode()
        return 200, json.dumps({"issuer": self.issuer, "jwks_uri": f"{self.issuer}/jwks"}).encode()

    def checker(self, **changes: Any) -> Checker:
        row = {"domain": "example.org", "issuer": self.issuer, "audience": "mail", "claim": "email", "scope": []}
        row |= {"clients": [], "algorithms": ["RS256", "ES256"], "token_type": "at+jwt", "second_factor": None}
        row |= {"keys_seconds": 3600, "authority": str(self.folder / "ca.pem")}
        (self.folder / "providers.json").write_text(json.dumps({"providers": [row | changes]}))
        return Checker(self.folder / "providers.json", self.folder / "accounts", self.folder)

    def token(self, key: Any = KEY, alg: str = "RS256", head: dict[str, Any] | None = None, **claims: Any) -> str:
        now = int(time.time())
        says = {"iss": self.issuer, "aud": "mail", "sub": "1", "email": ANNA, "iat": now, "exp": now + 60}
        says = {name: value for name, value in (says | claims).items() if value is not None}
        return jwt.encode(says, key, alg, {"typ": "at+jwt", "kid": "one"} | (head or {}))


def jwk(key: Any, kid: str = "one", **more: Any) -> dict[str, Any]:
    kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    found: dict[str, Any] = kind.to_jwk(key.public_key(), as_dict=True)
    return found | {"kid": kid} | more


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[Provider]:
    made = Provider(tmp_path, keys=[jwk(KEY)])

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = made.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Location", f"{made.issuer}/elsewhere")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    authority = Authority(tmp_path / "ca")
    chain, private = authority.certificate("localhost")
    (tmp_path / "ca.pem").write_bytes(authority.root_certificate.read_bytes())
    (tmp_path / "accounts").write_text(f"# head\n{ANNA}\timap\t192.0.2.0/24\t-\n{ANNA}\tsmtp\t*\trequired\n")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, private)
    with http.server.ThreadingHTTPServer(("localhost", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        made.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        server.shutdown()
