"""TLS between hosts of one fleet: 1.3, a certificate on both sides, and no authority but the fleet's own."""

from __future__ import annotations

import asyncio
import os
import ssl
from pathlib import Path


def server_side(folder: Path) -> ssl.SSLContext:
    return _with_files(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), folder)


def client_side(folder: Path) -> ssl.SSLContext:
    """The name in the server's certificate is compared (ssl.PROTOCOL_TLS_CLIENT sets check_hostname)."""
    return _with_files(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), folder)


def _with_files(context: ssl.SSLContext, folder: Path) -> ssl.SSLContext:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(folder / "fleet-authority.pem")
    context.load_cert_chain(folder / "fleet.pem", folder / "fleet-key.pem")
    return context


def names_of(writer: asyncio.StreamWriter) -> tuple[str, ...]:
    """The DNS names in the certificate of the other end, which was verified."""
    certificate = writer.get_extra_info("peercert") or {}
    return tuple(value.lower() for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS")


def fault(error: BaseException) -> str:
    """Why there is no connection, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is refused ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, OSError) and error.errno and not isinstance(error, ssl.SSLError):
        return os.strerror(error.errno)
    return str(error) or type(error).__name__
