"""The provider on a bare host: started by systemd, with HTTPS of the lab's authority."""

from __future__ import annotations

import http.client
import io
import subprocess
import tarfile
from pathlib import Path

from ironpost.lab import Lab
from ironpost.lab.mail import trust, wait_for
from tests.lab.deployment import TOP

SERVER = "bare1"
UNIT = "openid.service"
SOURCE = Path(__file__).with_name("provider")
PACKAGES = TOP / ".openid" / "node_modules"  # made by `make soak`, as the lock file beside the program has it
UNIT_FILE = """\
[Unit]
Description=OpenID provider of the test network

[Service]
ExecStart=/usr/bin/node /opt/openid/provider.mjs
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""
INSTALL = """\
set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
apt-get install -qy --no-install-recommends nodejs >/dev/null 2>&1
mkdir -p /opt/openid && base64 -d | tar -xz -C /opt/openid
systemctl daemon-reload
systemctl enable -q --now openid.service
"""


def issuer(lab: Lab) -> str:
    return f"https://{lab.host(SERVER).fqdn}"


def serve_provider(lab: Lab) -> None:
    """Installs node, the provider and its certificate, and waits until it answers."""
    assert PACKAGES.is_dir(), "the provider's packages are missing; run: make .openid/locked"
    chain, key = lab.certificate(lab.host(SERVER).fqdn)
    put(lab, "/etc/openid/chain.pem", chain.read_text())
    put(lab, "/etc/openid/key.pem", key.read_text(), mode=600)
    put(lab, "/etc/openid/issuer", issuer(lab) + "\n")
    put(lab, f"/etc/systemd/system/{UNIT}", UNIT_FILE)
    lab.run(SERVER, INSTALL, input=bundle(), timeout=300)
    answers(lab)


def put(lab: Lab, path: str, text: str, mode: int = 644) -> None:
    lab.run(SERVER, f"install -D -m {mode} /dev/stdin {path}", input=text)


def bundle() -> str:
    """The program and its packages as a tar archive, in letters."""
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w:gz") as archive:
        archive.add(SOURCE / "provider.mjs", "provider.mjs")
        archive.add(PACKAGES, "node_modules")
    return subprocess.run(["base64"], input=found.getvalue(), capture_output=True, check=True).stdout.decode()


def answers(lab: Lab) -> None:
    """Waits for the provider's own document."""

    def look() -> bool | None:
        talk = http.client.HTTPSConnection(lab.host(SERVER).ipv4, 443, timeout=5, context=trust(lab, SERVER))
        try:
            talk.request("GET", "/.well-known/openid-configuration")
            return talk.getresponse().status == 200 or None
        except OSError:
            return None
        finally:
            talk.close()

    wait_for(look, "the provider does not answer")


def rotate(lab: Lab) -> None:
    """New keys, and the old ones are gone at once: what a provider does after a break-in."""
    lab.run(SERVER, f"rm /etc/openid/keys.json && systemctl restart {UNIT}")
    answers(lab)
