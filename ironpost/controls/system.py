"""The host below mail: kernel, accounts, files, names, time."""

from __future__ import annotations

import re
from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.host import files, part, sysctl
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

NETWORK = {
    "net/ipv4/ip_forward": "0",
    "net/ipv4/tcp_syncookies": "1",
    "net/ipv4/icmp_echo_ignore_broadcasts": "1",
    "net/ipv4/icmp_ignore_bogus_error_responses": "1",
}
EACH_INTERFACE = {
    "net/ipv4/conf/*/accept_redirects": "0",
    "net/ipv4/conf/*/secure_redirects": "0",
    "net/ipv4/conf/*/send_redirects": "0",
    "net/ipv4/conf/*/accept_source_route": "0",
    "net/ipv4/conf/*/rp_filter": "1",
    "net/ipv6/conf/*/accept_redirects": "0",
    "net/ipv6/conf/*/accept_source_route": "0",
    "net/ipv6/conf/*/forwarding": "0",
}
# At least this much; larger is stricter.
KERNEL = {
    "kernel/kptr_restrict": 1,
    "kernel/dmesg_restrict": 1,
    "kernel/randomize_va_space": 2,
    "kernel/yama/ptrace_scope": 1,
    "kernel/unprivileged_bpf_disabled": 1,
    "kernel/kexec_load_disabled": 1,
    "fs/protected_hardlinks": 1,
    "fs/protected_symlinks": 1,
    "fs/protected_fifos": 1,
    "fs/protected_regular": 1,
}
# Debian's own, and Postfix's two; whatever else is setuid or setgid was put there.
PRIVILEGED = {"su", "sudo", "mount", "umount", "passwd", "chsh", "chfn", "newgrp", "gpasswd", "chage", "expiry"}
PRIVILEGED |= {"unix_chkpwd", "postdrop", "postqueue", "ssh-agent", "ssh-keysign", "dbus-daemon-launch-helper"}
PRIVILEGED |= {"crontab", "fusermount3", "polkit-agent-helper-1", "pkexec", "utempter", "dotlockfile"}
SHARED_MEMORY = "/dev/shm"  # noqa: S108  looked at, not written to
HOMES = ("/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/libexec/")
SUPERFLUOUS = re.compile(
    r"exim4.*|sendmail-bin|opensmtpd|courier-mta|qmail|nullmailer|msmtp-mta|rpcbind|nfs-kernel-server|avahi-daemon|"
    r"cups(-daemon)?|telnetd|inetutils-telnetd|(inetutils-)?inetd|xinetd|vsftpd|proftpd.*|tftpd-hpa|rsh-server|nis|"
    r"snmpd|samba|slapd|ufw|firewalld|shorewall|ferm"
)
# Accounts whose shell Debian leaves open to programs, without a password.
SHELLS = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false", "/bin/sync")


@control(
    "OS-07",
    claim="The network stack believes nobody on the local network: no redirects, no source routes, no forged senders",
    reference="CIS Debian 12; dev-sec os_hardening; RFC 3704 §2.2; RFC 4987 §3.6",
    severity="medium",
)
class NetworkSettingsHold:
    """What is set in a file may be set otherwise in the kernel, and for some interface only."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        known = part(snapshot, "host", "sysctls")
        faults = [
            f"{name} = {sysctl(snapshot, name)}" for name, value in NETWORK.items() if sysctl(snapshot, name) != value
        ]
        for pattern, value in EACH_INTERFACE.items():
            matching = [name for name in known if re.fullmatch(pattern.replace("*", "[^/]+"), name)]
            if not matching:
                raise NotCollectedError(f"no {pattern} was seen")
            faults += [f"{name} = {sysctl(snapshot, name)}" for name in matching if sysctl(snapshot, name) != value]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "OS-13",
    claim="The kernel tells no addresses, lets no process look into another, and takes no new kernel",
    reference="CIS Debian 12; dev-sec os_hardening",
    severity="medium",
    needs=("real host",),
)
class KernelSettingsHold:
    """A broken-in service finds the next door closed."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        found = {name: sysctl(snapshot, name) for name in KERNEL}
        faults = [f"{name} = {found[name]}" for name, least in KERNEL.items() if int(found[name]) < least]
        if sysctl(snapshot, "fs/suid_dumpable") != "0":
            faults.append(f"fs/suid_dumpable = {sysctl(snapshot, 'fs/suid_dumpable')}")
        return holds_unless(faults, remedy=f"{REDEPLOY}, and restart the host")


@control(
    "OS-08",
    claim="No other mail server, firewall or network service is there, one account is root, and none is open",
    reference="CIS Debian 12",
    severity="high",
)
class NothingSuperfluousIsInstalled:
    """What is not there has no holes; a second account of root is a back door."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        rows = part(snapshot, "host", "accounts", "rows")
        if not rows:
            raise NotCollectedError("no account was seen")
        faults = [f"the account {row['name']} has the number of root" for row in rows if row["uid"] == 0][1:]
        faults += [f"the account {row['name']} opens without a password" for row in rows if opened(row, "open")]
        faults += ["a password opens root"] * any(row["name"] == "root" and opened(row, "set") for row in rows)
        faults += [
            f"the account {row['name']} of a service has the shell {row['shell']}"
            for row in rows
            if 0 < row["uid"] < 1000 and row["shell"] not in SHELLS and not opened(row, "locked")
        ]
        installed = [line.split("\t") for line in snapshot.text("host", "packages").splitlines()]
        faults += [
            f"{row[1]} is installed" for row in installed if row[0][1:2] == "i" and SUPERFLUOUS.fullmatch(row[1])
        ]
        return holds_unless(faults, remedy=f"remove the package or the account; {REDEPLOY}")


def opened(row: dict[str, Any], how: str) -> bool:
    """Whether the account's password field is `open` (empty), `locked` or `set`."""
    return bool(row["password"] == how)


@control(
    "OS-10",
    claim="The clock is kept by one program and is synchronised",
    reference="CIS Debian 12; RFC 8945 §5.2.3; RFC 4033 §4",
    severity="medium",
    needs=("real host",),
)
class ClockIsSynchronised:
    """A clock five minutes off ends DNS updates, and a day off ends DNSSEC and TLS."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        shown = dict(line.split("=", 1) for line in snapshot.text("host", "time").splitlines() if "=" in line)
        if "NTPSynchronized" not in shown:
            raise NotCollectedError("timedatectl does not say whether the clock is synchronised")
        faults = ["the clock is not synchronised"] * (shown["NTPSynchronized"] != "yes")
        faults += ["no program keeps the clock"] * (shown.get("NTP") != "yes")
        return holds_unless(faults, remedy="let UDP 123 out to the time servers; see timedatectl timesync-status")


@control(
    "OS-11",
    claim="Only Debian's programs are setuid or setgid, no file is writable for all, and shared memory runs nothing",
    reference="CIS Debian 12",
    severity="high",
)
class NoStrangePrivileges:
    """A copy of a shell with one bit set is the oldest back door there is."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        special = part(snapshot, "host", "special files")
        if not any(row.endswith("/postdrop") for row in special):
            raise NotCollectedError("the programs with privileges were not seen, not even Postfix's own")
        faults = []
        for row in special:
            mode, _, path = row.partition(" ")
            if int(mode, 8) & 0o002:
                faults.append(f"{path} is writable for all")
            elif path.rpartition("/")[2] not in PRIVILEGED or not path.startswith(HOMES):
                faults.append(f"{path} has privileges (mode {mode})")
        options = {
            row.split()[1]: row.split()[3].split(",") for row in str(part(snapshot, "host", "mounts")).splitlines()
        }
        lacking = {"nosuid", "nodev", "noexec"} - set(options.get(SHARED_MEMORY, ()))
        faults += [f"{SHARED_MEMORY} is mounted without {', '.join(sorted(lacking))}"] * bool(lacking)
        return holds_unless(faults, remedy=f"remove the bit or the file; {REDEPLOY}")


@control(
    "OS-12",
    claim="The host, its mail name, and the name in its greeting are one and the same",
    reference="RFC 5321 §2.3.5, §4.1.1.1; Debian Policy §11.6",
    severity="medium",
)
class NamesAgree:
    """A greeting that DNS does not know costs delivery."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        names = {
            "hostname -f": snapshot.text("host", "names", "host").strip(),
            "/etc/mailname": str(part(snapshot, "host", "names", "mail")).strip(),
            "Postfix's myhostname": snapshot.postfix.value("myhostname"),
        }
        faults = [
            f"{where} says {name!r}, not {mailhost.name}" for where, name in names.items() if name != mailhost.name
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SEC-08",
    claim="What programs are told belongs to root, and no other user may change it",
    reference="Postfix, `postfix check`; CIS Debian 12",
    severity="high",
)
class ConfigurationBelongsToRoot:
    """A daemon that may write its own configuration keeps what a break-in has changed."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        seen = files(snapshot, "configuration")
        # Debian leaves the folder of redis to redis; its file is root's.
        seen = [row for row in seen if row["path"] != "/etc/redis"]
        faults = [f"{row['path']} belongs to user {row['uid']}" for row in seen if row["uid"] != 0]
        faults += [
            f"{row['path']} may be changed by others (mode {row['mode']:o})" for row in seen if row["mode"] & 0o022
        ]
        return holds_unless(faults, remedy=REDEPLOY)
