"""fail2ban: whoever guesses passwords is shut out for a while, from the ports where one logs in."""

from __future__ import annotations

from ironpost.component import Check, Component, HostFile, Unit
from ironpost.mailhost import MailHost
from ironpost.render import render

FOLDER = "/etc/fail2ban"
RENDERED = (
    f"{FOLDER}/fail2ban.local",
    f"{FOLDER}/jail.d/ironpost.local",
    f"{FOLDER}/filter.d/ironpost-known.conf",
    f"{FOLDER}/filter.d/ironpost-logins.conf",
    f"{FOLDER}/filter.d/ironpost-ssh.conf",
    f"{FOLDER}/action.d/ironpost-nftables.conf",
)
SANDBOX = "/etc/systemd/system/fail2ban.service.d/ironpost.conf"
KNOWN = "/usr/lib/ironpost/known-address"


def bans(mailhost: MailHost) -> Component:
    """The jails. The table that they write into is the firewall's (/etc/nftables.conf)."""
    return Component(
        name="bans",
        packages=("fail2ban", "python3-systemd"),  # without the latter it cannot read the journal
        files=(
            *(HostFile(path, render(path, mailhost)) for path in (*RENDERED, SANDBOX)),
            HostFile(KNOWN, render(KNOWN, mailhost), mode=0o755),
        ),
        units=(Unit("fail2ban.service", restart_on=(f"{FOLDER}/", SANDBOX)),),
        checks=(Check("fail2ban-client --test >/dev/null"),),
        probes=("fail2ban-client ping >/dev/null",),
    )
