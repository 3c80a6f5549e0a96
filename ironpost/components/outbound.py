"""How mail to others is protected: DANE first, then their MTA-STS policies (RFC 8461 §2)."""

from __future__ import annotations

from ironpost.component import Check, Component, HostFile, Unit
from ironpost.mailhost import MailHost
from ironpost.render import render

PROGRAM = "/usr/lib/ironpost/tls-policy"
SERVICE_FILE = "/etc/systemd/system/ironpost-tls-policy.service"
RESOLVER = "/etc/mta-sts-daemon.yml"
RESOLVER_SANDBOX = "/etc/systemd/system/postfix-mta-sts-resolver.service.d/ironpost.conf"
LOOKUP = "socketmap:unix:/run/ironpost-tls-policy/socket:postfix"


def outbound(mailhost: MailHost) -> Component:
    """Debian's MTA-STS resolver, and the lookup that puts DANE before it."""
    if not mailhost.sends:
        return Component(name="outbound")
    return Component(
        name="outbound",
        # aiosqlite is only recommended on Debian 12, and without it the policies would not outlive a restart
        packages=("postfix-mta-sts-resolver", "python3", "python3-aiosqlite"),
        files=(
            *(HostFile(path, render(path, mailhost)) for path in (RESOLVER, RESOLVER_SANDBOX, SERVICE_FILE)),
            HostFile(PROGRAM, render(PROGRAM, mailhost), mode=0o755),
        ),
        units=(
            Unit("postfix-mta-sts-resolver.service", restart_on=(RESOLVER, RESOLVER_SANDBOX)),
            Unit("ironpost-tls-policy.service", restart_on=(PROGRAM, SERVICE_FILE)),
        ),
        checks=(Check(f'python3 -I -c \'compile(open("{PROGRAM}").read(), "tls-policy", "exec")\''),),
        # An address is answered without a question to anybody; that Debian's resolver listens is seen beside it.
        probes=(
            f"test \"$(postmap -q 192.0.2.1 {LOOKUP} 2>&1)\" = ''",
            "test -S /run/mta-sts/socket",
        ),
    )
