"""unbound on loopback, validating: Postfix takes TLSA records and blocklists from nobody else."""

from __future__ import annotations

from ironpost.component import Check, Component, HostFile, Unit
from ironpost.components.sandbox import drop_in, sandbox
from ironpost.mailhost import MailHost
from ironpost.render import render

RENDERED = (
    "/etc/unbound/unbound.conf.d/ironpost.conf",
    "/etc/unbound/unbound.conf.d/remote-control.conf",
    "/etc/dhcp/dhclient-enter-hooks.d/ironpost",
    "/etc/dhcpcd.enter-hook",
    "/etc/resolv.conf",
)

# Asks for the SOA record of the root with RD and AD set (RFC 6840 §5.7); the answer must be without error, validated
# (AD), and not empty. Any name below may be unsigned or gone, the root is neither.
ROOT_IS_VALIDATED = """python3 -c '
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
    asked.settimeout(5)
    asked.connect(("127.0.0.1", 53))
    asked.send(bytes.fromhex("4950 0120 0001 0000 0000 0000 00 0006 0001"))
    answer = asked.recv(4096)
raise SystemExit(not (answer[3] & 0x2F == 0x20 and answer[7] > 0))
'"""

# The stock drop-in names a trust anchor that the unit makes when unbound starts for the first time; until then
# unbound-checkconf refuses the whole configuration. So it is made as the unit makes it, and as there a refusal is left
# to what comes after.
TRUST_ANCHOR = "/usr/libexec/unbound-helper root_trust_anchor_update || true"


def resolver(mailhost: MailHost) -> Component:
    """The host's own resolver, and /etc/resolv.conf that names no other one."""
    return Component(
        name="resolver",
        packages=("unbound", "dns-root-data", "python3"),  # unbound finds no trust anchor without dns-root-data
        files=(
            *(HostFile(path, render(path, mailhost)) for path in RENDERED),
            sandbox(mailhost, "unbound.service"),
        ),
        units=(
            Unit("unbound.service", restart_on=("/etc/unbound/", drop_in("unbound.service"))),
            Unit("unbound-resolvconf.service", state="masked"),  # would hand /etc/resolv.conf to resolvconf(8)
            Unit("systemd-resolved.service", state="masked"),  # listens, and writes /etc/resolv.conf, where it is there
        ),
        checks=(Check(TRUST_ANCHOR), Check("unbound-checkconf >/dev/null")),
        probes=(ROOT_IS_VALIDATED,),
    )
