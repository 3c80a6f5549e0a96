"""Name, time zone, security updates, kernel, journal and SSH: what mail needs of the host below it."""

from __future__ import annotations

from ironpost.component import Check, Component, HostFile, SystemUser, Unit
from ironpost.mailhost import MailHost
from ironpost.render import render

RENDERED = (
    "/etc/hostname",
    "/etc/hosts",
    "/etc/mailname",
    "/etc/timezone",
    "/etc/sysctl.d/60-ironpost.conf",
    "/etc/sysctl.d/61-ironpost-kernel.conf",
    "/etc/modprobe.d/ironpost.conf",
    "/etc/security/limits.d/60-ironpost.conf",
    "/etc/systemd/coredump.conf.d/60-ironpost.conf",
    "/etc/systemd/system/auditd.service.d/ironpost.conf",
    "/etc/systemd/system/audit-rules.service.d/ironpost.conf",
    "/etc/systemd/system/ironpost-audit.service",
    "/etc/systemd/journald.conf.d/60-ironpost.conf",
    "/etc/systemd/system/ironpost-kernel.service",
    "/etc/apt/apt.conf.d/60ironpost",
    "/etc/ssh/sshd_config",
)
KERNEL = "/etc/systemd/system/ironpost-kernel.service"
AUDIT = "/etc/audit/rules.d/60-ironpost.rules"
UNITS = (
    Unit("ironpost-kernel.service", restart_on=("/etc/hostname", "/etc/sysctl.d/", KERNEL)),
    Unit("systemd-journald.service", restart_on=("/etc/systemd/journald.conf.d/",)),
    Unit("ssh.service", reload_on=("/etc/ssh/sshd_config",)),
    Unit("apt-daily.timer"),
    Unit("apt-daily-upgrade.timer"),
    Unit("systemd-timesyncd.service"),
    Unit("auditd.service"),
    Unit("ironpost-audit.service", restart_on=("/etc/audit/rules.d/", "/etc/systemd/system/ironpost-audit.service")),
)


def system(mailhost: MailHost) -> Component:
    """The host itself. Its SSH port is opened by the firewall, for the allowlist."""
    return Component(
        name="system",
        packages=("auditd", "openssh-server", "systemd-timesyncd", "tzdata", "unattended-upgrades"),
        files=(
            *(HostFile(path, render(path, mailhost)) for path in RENDERED),
            local_time(mailhost),
            audit_rules(mailhost),
            *(cloud_init_off() if mailhost.take_over else ()),
            *ssh_keys(mailhost),
        ),
        users=(SystemUser("root", home="/root", locked=True),),
        units=UNITS,
        checks=(
            Check("sshd -t"),
            Check("apt-config dump >/dev/null", silent=True),
            Check(f"test -f /usr/share/zoneinfo/{mailhost.time_zone} || {{ {unknown_zone(mailhost)} }}"),
        ),
        probes=(f'test "$(hostname)" = {mailhost.name}',),
    )


def cloud_init_off() -> tuple[HostFile, ...]:
    """What it did once stays; name, /etc/hosts and resolver are ours from now on."""
    return (HostFile("/etc/cloud/cloud-init.disabled", "Written by ironpost: take_over.\n"),)


def local_time(mailhost: MailHost) -> HostFile:
    """localtime(5): a symbolic link, because programs read the name of the time zone from its target."""
    return HostFile("/etc/localtime", "", link=f"/usr/share/zoneinfo/{mailhost.time_zone}")


def ssh_keys(mailhost: MailHost) -> tuple[HostFile, ...]:
    """The keys of the inventory, where there are any; else those stay that the host was set up with."""
    if not mailhost.ssh_keys:
        return ()
    head = "# Written by ironpost: changes made here are undone by its next run. sshd reads no other file of keys.\n"
    return (HostFile(mailhost.ssh_keys_file, head + "".join(f"{key}\n" for key in mailhost.ssh_keys)),)


def audit_rules(mailhost: MailHost) -> HostFile:
    """Closed to others, as auditd leaves its files: who knows what is watched knows what is not."""
    return HostFile(AUDIT, render(AUDIT, mailhost), mode=0o640)


def unknown_zone(mailhost: MailHost) -> str:
    sentence = f"time_zone: {mailhost.time_zone} is not known on this release; choose one of timedatectl list-timezones"
    return f'echo "{sentence}" >&2; exit 1;'
