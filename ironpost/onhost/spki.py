"""The public key of a certificate or private key: TLSA records `3 1 1` hold its digest (RFC 7671 §5.1)."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from .state import Refused

# Object identifiers in DER: rsaEncryption (RFC 3279 §2.3.1) and id-ecPublicKey (RFC 5480 §2.1.1).
KINDS = {"rsa": bytes.fromhex("06092a864886f70d010101"), "ecdsa": bytes.fromhex("06072a8648ce3d0201")}


def openssl(*words: str, stdin: bytes = b"") -> bytes:
    """Raises Refused; a key never stands in the sentence, since openssl is given file names or standard input."""
    done = subprocess.run(["openssl", *words], input=stdin, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise Refused(f"openssl {words[0]}: {said[-1]}; see whether the file is whole")
    return done.stdout


def of_file(path: Path) -> bytes:
    """SubjectPublicKeyInfo in DER of the first certificate of a file, or of its private key. Raises Refused."""
    if not path.is_file():
        raise Refused(f"{path}: no such file; deploy the host again")
    if "-----BEGIN CERTIFICATE-----" in path.read_text():
        public = openssl("x509", "-in", str(path), "-noout", "-pubkey")
        return openssl("pkey", "-pubin", "-outform", "DER", stdin=public)
    return openssl("pkey", "-in", str(path), "-passin", "pass:", "-pubout", "-outform", "DER")


def told(spki: bytes, state: str) -> dict[str, str]:
    """One TLS key as DNS needs to know it."""
    kind = next((name for name, oid in KINDS.items() if oid in spki[:32]), "other")
    return {"sha256": hashlib.sha256(spki).hexdigest(), "kind": kind, "state": state}
