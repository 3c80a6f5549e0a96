"""Where Debian packages come from: the mirror that the machine's own apt uses, for either release."""

from __future__ import annotations

import subprocess

from ironpost.lab.plan import Release
from ironpost.lab.state import LabError
from ironpost.lab.tools import KEYRING, os_release

FORMAT = "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
PARTS = ("", "-updates", "-security")


def apt_sources(release: Release) -> list[str]:
    """sources.list(5) lines for one release: the machine's own archive, updates and security, that release's suites.

    Raises LabError where the machine's apt has no Debian archive.
    """
    own = os_release().get("VERSION_CODENAME", "")
    asked = subprocess.run(
        ["apt-get", "indextargets", "--format", FORMAT, "Created-By: Packages"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    lines = []
    for uri, suite, component, origin in (line.split("|", 3) for line in asked.stdout.splitlines()):
        part = suite.removeprefix(own)
        # The origin is blank until the first apt-get update; others publish for a Debian code name, too.
        is_debian = component == "main" and origin in ("Debian", "", "$(ORIGIN)")
        if is_debian and suite.startswith(own) and part in PARTS:
            lines.append(f"deb [signed-by={KEYRING}] {uri} {release}{part} main")
    if not any(f" {release} main" in line for line in lines):
        raise LabError(
            f"lab: apt on this machine has no Debian archive for {own} main; add it to /etc/apt/sources.list.d"
        )
    return sorted(set(lines))


def apt_proxies() -> list[str]:
    """The machine's own Acquire::…::Proxy settings as apt.conf(5) lines, for programs that do not read them."""
    dumped = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, timeout=60)
    return [line for line in dumped.stdout.splitlines() if line.startswith("Acquire::") and "Proxy" in line]
