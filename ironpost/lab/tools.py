"""What the test network needs of the machine that runs it, and sentences about what is missing.

Runs by itself too (`python3 ironpost/lab/tools.py`) before anything has been installed: by the standard library alone.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

# Debian packages; those in the second half of a line are there for the sake of the command they bring.
PACKAGES = (
    "mmdebstrap",
    "debian-archive-keyring",
    "arch-test",
    "systemd-container",
    "apt-utils",
    "gnupg",
    "iproute2",
    "nftables",
    "openssh-client",
    "openssl",
    "dnsutils",
    "age",
    "faketime",
)
COMMANDS = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "apt-ftparchive": "apt-utils",
    "gpg": "gnupg",
    "ip": "iproute2",
    "ssh": "openssh-client",
    "openssl": "openssl",
    "dig": "dnsutils",
    "age": "age",
    "faketime": "faketime",
}
# What the soak needs besides: a browser for the page of `verify --html`, with a font; tools that others verify with;
# npm, with which `make .openid/locked` gets the OpenID provider that runs on a host of the lab then.
SOAK_COMMANDS = {
    "chromium-headless-shell": "chromium-headless-shell",
    "testssl": "testssl.sh",
    "nmap": "nmap",
    "swaks": "swaks",
    "npm": "npm",
}
SOAK_LIBRARY = (Path("/usr/share/doc/libnet-ssleay-perl"), "libnet-ssleay-perl")  # with which swaks speaks TLS
SOAK_FONT = (Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"), "fonts-dejavu-core")
# How long lists of what happens would be read by nobody; the first line of each is what matters.
ANNOUNCEMENT = """\
This is about to happen on this machine:
  - Debian packages are installed, if they are missing: {packages}
  - .venv in this folder gets the Python packages of requirements/dev.txt, by version and hash
  - about 1 GB below ~/.cache/ironpost keeps two Debian trees and a package repository for the test network
  - the test network runs in network namespaces on one bridge, in 198.18.0.0/15 and 2001:db8::/32, with no way out;
    `ironpost lab down` (or `make demo-stop`) takes all of it away"""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def os_release() -> dict[str, str]:
    """What the machine says it is: os-release(5) as a table."""
    path = Path("/etc/os-release")
    lines = path.read_text().splitlines() if path.exists() else []
    return {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}


def missing() -> list[str]:
    """Sentences on what keeps this machine from running a test network; empty where it can."""
    return [*_missing_system(), *_missing_commands()] or _missing_namespaces()


def impossible() -> list[str]:
    """The part of `missing` that installing packages cannot mend: another system, no root, no namespaces."""
    return _missing_system() or _missing_namespaces()


def _missing_system() -> list[str]:
    found = []
    system = os_release()
    if system.get("VERSION_CODENAME") not in ("bookworm", "trixie"):
        name = system.get("PRETTY_NAME", "an unknown system")
        found.append(f"lab: this machine runs {name}; the test network needs Debian 12 or 13")
    if os.geteuid() != 0:
        found.append("lab: this is not root; network namespaces and mounts need it, so run it with sudo")
    return found


def _missing_commands() -> list[str]:
    names = " ".join(missing_packages())
    if not names:
        return []
    return [f"lab: these Debian packages are missing: {names}; run: apt-get install -y {names}"]


def _missing_namespaces() -> list[str]:
    """Tries a throw-away network namespace with a bridge and a tmpfs, all gone when the command ends."""
    trial = "ip link add ipltrial type bridge && mount -t tmpfs none /mnt"
    tried = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", trial], capture_output=True, text=True, timeout=30
    )
    if tried.returncode == 0:
        return []
    reason = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
    return [f"lab: no network namespaces or mounts here ({reason}); use a virtual machine or a real one"]


def missing_packages(soak: bool = False) -> list[str]:
    """Debian packages that are not there, as far as their commands tell."""
    wanted = COMMANDS | SOAK_COMMANDS if soak else COMMANDS
    packages = sorted({package for command, package in wanted.items() if not shutil.which(command)})
    packages += [package for path, package in (SOAK_FONT, SOAK_LIBRARY) if soak and not path.exists()]
    if not KEYRING.exists():
        packages.append("debian-archive-keyring")
    if importlib.util.find_spec("ensurepip") is None:
        packages.append("python3-venv")
    return packages


def _main(words: list[str]) -> int:
    if words[:1] == ["--missing-packages"]:
        print(" ".join(missing_packages(soak=words[1:] == ["soak"])))
    elif words == ["--announce"]:
        print(ANNOUNCEMENT.format(packages=" ".join(missing_packages()) or "none is"))
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
