"""Domains of other operators, each with its own mix of DANE and MTA-STS, some of them wrong. Pure.

All of them lie in one signed zone and lead to the outside operator's host: what differs is what they promise of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ironpost.lab.plan import LabPlan, PlannedHost
from ironpost.lab.tree import LabFile

PARTNERS_ZONE = "partners.example"
FOLDER = "/etc/lab-policies"
PROGRAM = "/usr/local/lib/lab-policies"
UNIT = "lab-policies.service"


@dataclass(frozen=True)
class Partner:
    """What a domain publishes. Each "wrong" is one mistake: another key's digest, another MX host in the policy.

    `mx_named`: the certificate on port 25 holds the MX host's name. `policy_named`: that on 443 holds the policy's.
    """

    name: str
    dane: Literal["right", "wrong"] | None = None
    sts: Literal["right", "wrong"] | None = None
    mx_named: bool = True
    policy_named: bool = True

    @property
    def domain(self) -> str:
        return f"{self.name}.{PARTNERS_ZONE}"

    @property
    def mx(self) -> str:
        return f"mx.{self.domain}"

    @property
    def policy_host(self) -> str:
        return f"mta-sts.{self.domain}"

    @property
    def policy(self) -> str:
        named = self.mx if self.sts == "right" else f"elsewhere.{self.domain}"
        return f"version: STSv1\nmode: enforce\nmx: {named}\nmax_age: 604800\n"


PARTNERS = (
    Partner("neither"),
    Partner("sts", sts="right"),
    Partner("dane", dane="right"),
    Partner("both", dane="right", sts="right"),
    Partner("wrong-dane", dane="wrong", sts="right"),
    Partner("unnamed-mx", sts="right", mx_named=False),
    Partner("other-mx", sts="wrong"),
    Partner("unnamed-policy", sts="wrong", policy_named=False),
)


def domains() -> tuple[str, ...]:
    return tuple(partner.domain for partner in PARTNERS)


def mx_names() -> tuple[str, ...]:
    """The names that the outside host's certificate holds besides its own."""
    return tuple(partner.mx for partner in PARTNERS if partner.mx_named)


def policy_names() -> tuple[str, ...]:
    """The names in the certificate of the policies' web server."""
    return tuple(partner.policy_host for partner in PARTNERS if partner.sts and partner.policy_named)


def partner_records(plan: LabPlan, tlsa: str | None) -> Iterator[tuple[str, str, str]]:
    """(owner, type, value); `tlsa` is the record text of the key that the outside host really has."""
    (host,) = plan.of_role("outside")
    wrong = f"3 1 1 {hashlib.sha256(b'another key').hexdigest()}"
    for partner in PARTNERS:
        yield f"{partner.domain}.", "MX", f"10 {partner.mx}."
        yield from addresses(host, partner.mx)
        if partner.dane and tlsa:
            yield f"_25._tcp.{partner.mx}.", "TLSA", tlsa if partner.dane == "right" else wrong
        if partner.sts:
            yield f"_mta-sts.{partner.domain}.", "TXT", '"v=STSv1; id=1"'
            yield from addresses(host, partner.policy_host)


def addresses(host: PlannedHost, name: str) -> Iterator[tuple[str, str, str]]:
    yield f"{name}.", "A", host.ipv4
    yield f"{name}.", "AAAA", host.ipv6


# Answers each host name with its text, as a policy's web server does (RFC 8461 §3.3).
WEB_SERVER = f'''\
import http.server, pathlib, socket, ssl
class Policies(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.headers.get("Host", "").partition(":")[0]
        text = pathlib.Path("{FOLDER}", pathlib.Path(name).name)
        found = self.path == "/.well-known/mta-sts.txt" and text.is_file()
        body = text.read_bytes() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()
    def get_request(self):
        stream, address = super().get_request()
        stream.settimeout(10)
        return context.wrap_socket(stream, server_side=True, do_handshake_on_connect=False), address
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("{FOLDER}/tls/chain.pem", "{FOLDER}/tls/key.pem")
Server(("::", 443), Policies).serve_forever()
'''
SERVICE = f"""\
[Service]
ExecStart=/usr/bin/python3 {PROGRAM}
Restart=always
[Install]
WantedBy=multi-user.target
"""


def policy_files(chain: bytes, key: bytes) -> tuple[LabFile, ...]:
    """The web server with the policies; `chain` and `key` are its certificate (PEM)."""
    texts = (LabFile(f"{FOLDER}/{partner.policy_host}", partner.policy) for partner in PARTNERS if partner.sts)
    return (
        LabFile(PROGRAM, WEB_SERVER),
        LabFile(f"/etc/systemd/system/{UNIT}", SERVICE),
        LabFile(f"{FOLDER}/tls/chain.pem", chain),
        LabFile(f"{FOLDER}/tls/key.pem", key, 0o600),
        *texts,
    )
