"""Certificates and keys as the programs are told of them."""

from __future__ import annotations

import base64
import re
import subprocess
from typing import Any

from .look import access, run, text_of

KEY = re.compile(r"(?=-----BEGIN [A-Z ]*PRIVATE KEY-----)")


def parts() -> dict[str, Any]:
    files = tls_files()
    return {"tls_files": files, "chain": verified_chain(files)}


def public_half(path: str, key: bytes | None = None) -> dict[str, Any]:
    """Access to a private key file, and its public key in DER (SubjectPublicKeyInfo), base64; of `key`, where it holds
    more than that one."""
    source = [] if key else ["-in", path]
    done = subprocess.run(
        ["openssl", "pkey", *source, "-pubout", "-outform", "DER"], input=key, capture_output=True, check=False
    )
    found = {"path": path, "access": access(path)}
    if done.returncode:
        return dict(found, error=f"openssl cannot read the key {path}")
    return dict(found, public=base64.b64encode(done.stdout).decode())


def tls_files() -> dict[str, list[dict[str, Any]]]:
    """Every PEM file that Postfix or Dovecot is configured with: its certificates, and the public half of its key.

    A file with several keys has a row for each, with what follows that key.
    """
    chain = run("postconf", "-hx", "smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_key_file")
    paths = {"postfix": re.findall(r"/[^\s,]+", chain.get("text", ""))}
    dovecot = run("doveconf", "-nP")
    # 2.3 writes ssl_cert = </path, 2.4 cert_file = /path
    pattern = (
        r"^\s*(?:ssl_cert = <|ssl_key = <|cert_file = |key_file = |ssl_server_cert_file = |ssl_server_key_file = )(\S+)"
    )
    paths["dovecot"] = re.findall(pattern, dovecot.get("text", ""), re.M)
    return {program: [row for path in found for row in rows(path)] for program, found in paths.items()}


def rows(path: str) -> list[dict[str, Any]]:
    text = text_of(path)
    if isinstance(text, dict):
        return [{"path": path, "error": text["error"]}]
    return [row(path, each) for each in KEY.split(text) if "-----BEGIN " in each] or [row(path, text)]


def row(path: str, text: str) -> dict[str, Any]:
    certificates = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", text, re.S)
    has_key = "PRIVATE KEY-----" in text
    found = public_half(path, text.encode()) if has_key else {"path": path, "access": access(path)}
    return dict(found, certificates=certificates)


def verified_chain(files: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What openssl says of the chains on disk with the host's own store of roots: the first error, if there is one."""
    said = {"error": "Postfix is configured with no certificate file"}
    for file in files.get("postfix", []):
        if file.get("certificates"):
            said = run("openssl", "verify", "-untrusted", file["path"], given=file["certificates"][0] + "\n")
            if "error" in said:
                break
    return said


def tls_config(main: str) -> dict[str, Any]:
    """The OpenSSL configuration that Postfix reads (postconf(5) tls_config_file), with who may write it."""
    path = re.search(r"^tls_config_file = (/\S+)", main, re.M)
    return {"path": path.group(1), "access": access(path.group(1)), "text": text_of(path.group(1))} if path else {}
