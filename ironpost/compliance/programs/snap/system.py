"""The system below the mail programs: doors, packages, units, kernel."""

from __future__ import annotations

import re
from typing import Any

from .look import packages, run, text_of

PACKAGES = ("postfix", "dovecot-core", "rspamd", "unbound", "nftables", "openssl", "openssh-server")
SYSCTLS = ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding")
UNITS = ("postfix.service", "postfix@-.service", "dovecot.service", "rspamd.service", "nftables.service")


def parts() -> dict[str, Any]:
    release = re.search(r"^VERSION_CODENAME=(\S+)", str(text_of("/etc/os-release")), re.M)
    return {
        "release": release.group(1) if release else "",
        "nftables": run("nft", "-j", "list", "ruleset"),
        "listeners": run("ss", "-Hltunp"),
        "packages": packages("${Package}\t${Version}\n", *PACKAGES),
        "sysctls": {name: text_of("/proc/sys/" + name) for name in SYSCTLS},
        "units": run("systemctl", "show", "--property=Id,ActiveState", *UNITS),
    }
