"""Name, time zone, security updates, kernel, journal and SSH: what mail needs of the host below it."""

from __future__ import annotations

from ironpost.component import Check, Component, HostFile, Unit
from ironpost.mailhost import MailHost
from ironpost.render import render

RENDERED = (
    "/etc/hostname",
    "/etc/hosts",
    "/etc/mailname",
    "/etc/timezone",
    "/etc/sysctl.d/60-ironpost.conf",
    "/etc/systemd/journald.conf.d/60-ironpost.conf",
    "/etc/systemd/system/ironpost-kernel.service",
    "/etc/apt/apt.conf.d/60ironpost",
    "/etc/ssh/sshd_config.d/10-ironpost.conf",
)
KERNEL = "/etc/systemd/system/ironpost-kernel.service"
UNITS = (
    Unit("ironpost-kernel.service", restart_on=("/etc/hostname", "/etc/sysctl.d/60-ironpost.conf", KERNEL)),
    Unit("systemd-journald.service", restart_on=("/etc/systemd/journald.conf.d/",)),
    Unit("ssh.service", reload_on=("/etc/ssh/sshd_config.d/",)),
    Unit("apt-daily.timer"),
    Unit("apt-daily-upgrade.timer"),
)


def system(mailhost: MailHost) -> Component:
    """The host itself. Its SSH port is opened by the firewall, for the allowlist."""
    return Component(
        name="system",
        packages=("openssh-server", "tzdata", "unattended-upgrades"),
        files=(*(HostFile(path, render(path, mailhost)) for path in RENDERED), local_time(mailhost)),
        units=UNITS,
        checks=(
            Check("sshd -t"),
            Check("apt-config dump >/dev/null", silent=True),
            Check(f"test -f /usr/share/zoneinfo/{mailhost.time_zone} || {{ {unknown_zone(mailhost)} }}"),
        ),
        probes=(f'test "$(hostname)" = {mailhost.name}',),
    )


def local_time(mailhost: MailHost) -> HostFile:
    """localtime(5): a symbolic link, because programs read the name of the time zone from its target."""
    return HostFile("/etc/localtime", "", link=f"/usr/share/zoneinfo/{mailhost.time_zone}")


def unknown_zone(mailhost: MailHost) -> str:
    sentence = f"time_zone: {mailhost.time_zone} is not known on this release; choose one of timedatectl list-timezones"
    return f'echo "{sentence}" >&2; exit 1;'
