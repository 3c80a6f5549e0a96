"""Which key each TLS port of a host really serves, seen from the first vantage point, else from this controller."""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
import subprocess
import sys
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ironpost.dns.records.tlsa import ports_of
from ironpost.errors import HostError
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost
from ironpost.remote import run_at

SECONDS = 15

# Runs at the vantage point, which has python3 and nothing of ours. Prints {"address,port,kind": DER or error}.
SCRIPT = r"""
import base64, json, socket, ssl, sys
name, seconds, found = sys.argv[1], float(sys.argv[2]), {}
def look(address, port, kind):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if kind == "rsa":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("aRSA")
    with socket.create_connection((address, port), timeout=seconds) as plain:
        if port in (25, 587):
            lines = plain.makefile("rb")
            def reply():
                while lines.readline()[3:4] == b"-":
                    pass
            reply()
            for command in (b"EHLO rollover.invalid\r\n", b"STARTTLS\r\n"):
                plain.sendall(command)
                reply()
        with context.wrap_socket(plain, server_hostname=name) as secret:
            return base64.b64encode(secret.getpeercert(binary_form=True)).decode()
for word in sys.argv[3:]:
    address, port, kind = word.split(",")
    try:
        found[word] = look(address, int(port), kind)
    except (OSError, ValueError) as error:
        found[word] = "error: " + (getattr(error, "reason", None) or error.strerror or "no answer in time")
print(json.dumps(found))
"""


def served_otherwise(fleet: Fleet, mailhost: MailHost, digests: tuple[str, ...]) -> tuple[str, list[str]]:
    """Where it was looked from, and a sentence for each port that does not serve one of these keys."""
    words = list(asked(mailhost))
    stranger = next((point.ssh for point in fleet.vantage_points if point.ssh), None)
    arguments = [mailhost.name, str(SECONDS), *words]
    limit = 30 + SECONDS * len(words)
    if stranger:
        whence = f"the vantage point {stranger.address}"
        done = run_at(stranger, fleet.source.parent, f"python3 - {shlex.join(arguments)}", SCRIPT, seconds=limit)
    else:
        whence = "this controller"
        command = [sys.executable, "-c", SCRIPT, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    try:
        found: dict[str, str] = json.loads(done.stdout)
    except ValueError:
        said = " ".join(done.stderr.split())[-200:] or f"exits {done.returncode}"
        raise HostError(f"{whence}: cannot look at the ports ({said}); it needs python3") from None
    return whence, [fault for word in words for fault in faults(word, found.get(word, "error: nothing"), digests)]


def asked(mailhost: MailHost) -> Iterator[str]:
    """address,port,kind of each handshake. The RSA certificate shows where TLS 1.2 is spoken to all: on port 25."""
    for address in mailhost.addresses:
        yield from (f"{address},{port},any" for port in ports_of(mailhost))
        if mailhost.tls_rsa and mailhost.is_mx and not mailhost.tls_closed:
            yield f"{address},25,rsa"


def faults(word: str, told: str, digests: tuple[str, ...]) -> Iterator[str]:
    address, port, _ = word.split(",")
    if told.startswith("error: "):
        yield f"port {port} of {address}: {told.removeprefix('error: ')}"
    elif digest(base64.b64decode(told)) not in digests:
        yield f"port {port} of {address} does not serve the new key"


def digest(der: bytes) -> str:
    public = x509.load_der_x509_certificate(der).public_key()
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()
