"""Runs as root on the mail host, changes nothing, and prints what the controls look at as one JSON object.

Secrets stay where they are: of a password its scheme and parameters are told, of a private key its public half.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

SECONDS = 30
KEPT = Path("/var/lib/rspamd/dkim")
RSPAMD = ("dkim_signing", "spf", "dmarc", "milter_headers", "force_actions", "options", "multimap", "dkim")
PACKAGES = ("postfix", "dovecot-core", "rspamd", "unbound", "nftables", "openssl", "openssh-server")
SYSCTLS = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding")
UNITS = ("postfix.service", "postfix@-.service", "dovecot.service", "rspamd.service", "nftables.service")


def run(*command: str) -> dict[str, Any]:
    """What a command prints; an error is told in its place, for an empty answer would look like an empty setting."""
    environment = dict(os.environ, LC_ALL="C", PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"error": f"{command[0]}: {error}"}
    if done.returncode:
        return {"error": f"{' '.join(command)} exits {done.returncode}: {done.stderr.strip()[-300:]}"}
    return {"text": done.stdout}


def access(path: str) -> dict[str, int] | None:
    """Mode, owner and group by number of a file; None where there is none."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return {"mode": stat.S_IMODE(found.st_mode), "uid": found.st_uid, "gid": found.st_gid}


def text_of(path: str) -> Any:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return {"error": str(error)}


def public_half(path: str) -> dict[str, Any]:
    """Access to a private key file, and its public key in DER (SubjectPublicKeyInfo), base64."""
    done = subprocess.run(
        ["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], capture_output=True, check=False
    )
    found = {"path": path, "access": access(path)}
    if done.returncode:
        return dict(found, error=f"openssl cannot read the key {path}")
    return dict(found, public=base64.b64encode(done.stdout).decode())


def tls_files() -> dict[str, list[dict[str, Any]]]:
    """Every PEM file that Postfix or Dovecot is configured with: its certificates, or the public half of its key."""
    chain = run("postconf", "-hx", "smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_key_file")
    paths = {"postfix": re.findall(r"/[^\s,]+", chain.get("text", ""))}
    dovecot = run("doveconf", "-nP")
    # 2.3 writes ssl_cert = </path, 2.4 cert_file = /path
    pattern = (
        r"^\s*(?:ssl_cert = <|ssl_key = <|cert_file = |key_file = |ssl_server_cert_file = |ssl_server_key_file = )(\S+)"
    )
    paths["dovecot"] = re.findall(pattern, dovecot.get("text", ""), re.M)
    return {program: [pem(path) for path in found] for program, found in paths.items()}


def pem(path: str) -> dict[str, Any]:
    text = text_of(path)
    if isinstance(text, dict):
        return {"path": path, "error": text["error"]}
    certificates = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", text, re.S)
    found = public_half(path) if "PRIVATE KEY-----" in text else {"path": path, "access": access(path)}
    return dict(found, certificates=certificates)


def verified_chain(files: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """What openssl says of the chain on disk with the host's own store of roots."""
    for file in files.get("postfix", []):
        if file.get("certificates"):
            return run("openssl", "verify", "-untrusted", file["path"], file["path"])
    return {"error": "Postfix is configured with no certificate file"}


def password_rows(dovecot: str) -> Any:
    """Rows of each passwd-file of Dovecot, reduced to who, scheme, parameters and a digest of the salt."""
    rows = []
    for path in sorted(set(re.findall(r"(?:passwd_file_path = |username_format=%\S+ )(/\S+)", dovecot))):
        text = text_of(path)
        if isinstance(text, dict):
            return text
        rows += [password_row(line) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return {"rows": rows}


def password_row(line: str) -> dict[str, Any]:
    user, _, rest = line.partition(":")
    hashed = rest.split(":")[0]
    scheme = re.match(r"\{([^}]*)\}", hashed)
    body = hashed[scheme.end() :] if scheme else hashed
    cost = dict(re.findall(r"\b([mtp])=(\d+)", body))
    fields = body.split("$")
    salt = fields[4] if len(fields) > 5 else ""
    return {
        "user": user,
        "scheme": scheme.group(1).upper() if scheme else "",
        "kind": fields[1] if len(fields) > 2 else "",
        "cost": {name: int(value) for name, value in cost.items()},
        "salt": hashlib.sha256(salt.encode()).hexdigest() if salt else "",
    }


def dkim_keys() -> list[dict[str, Any]]:
    """Each signing key that rspamd has, in use or not; `told` is what DNS is given of it."""
    configured = run("rspamadm", "configdump", "-j", "dkim_signing").get("text", "")
    paths = set(re.findall(r'"path"\s*:\s*"([^"$]+)"', configured)) | {str(path) for path in KEPT.glob("*.key")}
    return [dict(dkim_key(path), told=text_of(path + ".public")) for path in sorted(paths)]


def dkim_key(path: str) -> dict[str, Any]:
    """rspamd keeps RSA as PEM, and Ed25519 as 64 bytes in base64 of which the last 32 are the public key."""
    found = public_half(path)
    if "error" not in found:
        return dict(found, kind="rsa")
    text = text_of(path)
    if isinstance(text, dict):
        return dict(found, error=text["error"])
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return found
    if len(raw) != 64:
        return found
    return {"path": path, "access": access(path), "kind": "ed25519", "public": base64.b64encode(raw[32:]).decode()}


def rspamd_modules() -> dict[str, Any]:
    return {name: run("rspamadm", "configdump", "-j", name) for name in RSPAMD}


def tls_config(main: str) -> dict[str, Any]:
    """The OpenSSL configuration that Postfix reads (postconf(5) tls_config_file), with who may write it."""
    path = re.search(r"^tls_config_file = (/\S+)", main, re.M)
    return {"path": path.group(1), "access": access(path.group(1)), "text": text_of(path.group(1))} if path else {}


def snapshot() -> dict[str, Any]:
    main = run("postconf", "-x")
    dovecot = run("doveconf", "-n")
    files = tls_files()
    release = re.search(r"^VERSION_CODENAME=(\S+)", str(text_of("/etc/os-release")), re.M)
    return {
        "schema": 1,
        "release": release.group(1) if release else "",
        "postfix": {
            "main": main,
            "services": run("postconf", "-M"),
            "overrides": run("postconf", "-Px"),
            "tls_config": tls_config(main.get("text", "")),
        },
        "dovecot": dovecot,
        "rspamd": rspamd_modules(),
        "nftables": run("nft", "-j", "list", "ruleset"),
        "listeners": run("ss", "-Hltunp"),
        "tls_files": files,
        "chain": verified_chain(files),
        "dkim_keys": dkim_keys(),
        "passwords": password_rows(dovecot.get("text", "")),
        "packages": run("dpkg-query", "-W", "-f", "${Package}\t${Version}\n", *PACKAGES),
        "sysctls": {name: text_of("/proc/sys/" + name) for name in SYSCTLS},
        "units": run("systemctl", "show", "--property=Id,ActiveState", *UNITS),
    }


if __name__ == "__main__":
    print(json.dumps(snapshot()))
