"""What every host of a lab has of its own before it boots: name, addresses of names, keys, repository, trust."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ironpost.lab.plan import LabPlan, PlannedHost
from ironpost.lab.repository import SOURCES_LINE
from ironpost.lab.tree import LabFile, LabTree

CA_NAME = "ironpost-lab"


def ssh_key(path: Path, comment: str) -> str:
    """Makes an Ed25519 key pair in OpenSSH's form unless it is there; returns the public line."""
    public = path.with_suffix(".pub")
    if not public.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        path.touch(mode=0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            )
        )
        line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        public.write_text(f"{line.decode()} {comment}\n")
    return public.read_text()


def identity(plan: LabPlan, host: PlannedHost, lab_public: str, host_key: Path) -> LabTree:
    """Files and the login user of one host, as a hosting company would hand it over."""
    resolvers = plan.of_role("resolver")
    names = "".join(f"nameserver {r.ipv4}\nnameserver {r.ipv6}\n" for r in resolvers)
    hosts = f"127.0.0.1 localhost\n::1 localhost\n{host.ipv4} {host.fqdn} {host.name}\n"
    home = "/root" if host.ssh_user == "root" else f"/home/{host.ssh_user}"
    owner = "root:root" if host.ssh_user == "root" else f"{host.ssh_user}:{host.ssh_user}"
    files = (
        LabFile("/etc/hostname", f"{host.name}\n"),
        LabFile("/etc/ironpost-lab", "A host of the test network: `ironpost verify --disruptive` may hurt it.\n"),
        LabFile("/etc/hosts", f"{hosts}{host.ipv6} {host.fqdn} {host.name}\n"),
        LabFile("/etc/resolv.conf", names),
        LabFile("/etc/apt/sources.list.d/lab.list", SOURCES_LINE),
        LabFile("/etc/ssh/ssh_host_ed25519_key", host_key.read_bytes(), 0o600),
        LabFile("/etc/ssh/ssh_host_ed25519_key.pub", host_key.with_suffix(".pub").read_bytes()),
        LabFile("/etc/ssh/sshd_config.d/lab.conf", "HostKey /etc/ssh/ssh_host_ed25519_key\nUseDNS no\n"),
        LabFile(f"{home}/.ssh/authorized_keys", lab_public, 0o600, owner),
    )
    if host.ssh_user == "root":
        return LabTree(files=files)
    rule = LabFile("/etc/sudoers.d/lab", f"{host.ssh_user} ALL=(ALL) NOPASSWD: ALL\n", 0o440)
    return LabTree(files=(*files, rule), users=(host.ssh_user,))


def trusting(certificate: Path, bundle: Path) -> LabTree:
    """The lab's root certificate in a host's trust store, as update-ca-certificates(8) would leave it.

    `bundle` is the store of the tree below; writing it here saves running that program in each host.
    """
    pem = certificate.read_text()
    stored = f"/usr/local/share/ca-certificates/{CA_NAME}.crt"
    return LabTree(
        files=(
            LabFile(stored, pem),
            LabFile(f"/etc/ssl/certs/{CA_NAME}.pem", pem),
            LabFile(f"/etc/ssl/certs/{_subject_hash(certificate)}.0", pem),
            LabFile("/etc/ssl/certs/ca-certificates.crt", bundle.read_text() + pem),
        )
    )


@lru_cache
def _subject_hash(certificate: Path) -> str:
    """The name under which OpenSSL looks a certificate up (X509_NAME_hash)."""
    command = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(certificate)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
