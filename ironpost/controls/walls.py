"""The walls around services: units as systemd judges them, and processes as the kernel confines them."""

from __future__ import annotations

from typing import Any

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence import NotCollectedError
from ironpost.evidence.host import exposure, part, processes, services
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

MOST = 3.0
# Services that must be there, by release, and what runs beside them where it is wanted.
NEEDED = {"bookworm": {"postfix@-.service"}, "trixie": {"postfix.service"}}
ALWAYS = {"dovecot.service", "rspamd.service", "unbound.service", "redis-server.service"}
FORWARDING = "postsrsd.service"  # where an account forwards
# Which roles go without some of them.
FILTER, LOGINS = {"rspamd.service", "redis-server.service"}, {"dovecot.service"}
# What systemd's measure says nothing about, because work forbids walls: whoever comes in over SSH inherits sshd's; the
# upgrader is to change the whole host; the others are Debian's and talk with nobody outside.
NO_WALLS = {"ssh.service", "unattended-upgrades.service", "dbus.service", "console-getty.service"}
NO_WALLS |= {"systemd-journald.service", "systemd-udevd.service", "user@0.service", "cron.service", "auditd.service"}
# Capabilities (capabilities(7)) that no process of a mail service may ever get.
SYS_MODULE, SYS_RAWIO, SYS_PTRACE, SYS_ADMIN, NET_ADMIN = 1 << 16, 1 << 17, 1 << 19, 1 << 21, 1 << 12
FORBIDDEN = SYS_MODULE | SYS_RAWIO | SYS_PTRACE | SYS_ADMIN | NET_ADMIN
# Only the parents of Postfix, Dovecot and nginx, and Dovecot's readers of configuration and log, stay root.
ROOTS = {"master", "dovecot", "config", "log", "nginx", "anvil"}
PROGRAMS = {"master", "smtpd", "smtp", "lmtp", "qmgr", "pickup", "cleanup", "dovecot", "imap", "imap-login", "pop3"}
PROGRAMS |= {"pop3-login", "rspamd", "unbound", "redis-server", "nginx", "tlsmgr", "trivial-rewrite"}


def needed(mailhost: MailHost, snapshot: Snapshot) -> set[str]:
    release = part(snapshot, "release")
    if release not in NEEDED:
        raise NotCollectedError(f"the release {release!r} is not known")
    roles = set(mailhost.roles)
    spared = (set() if roles & {"mx", "submission", "relay"} else FILTER) | (
        set() if roles & {"submission", "mailbox"} else LOGINS
    )
    return (NEEDED[release] | ALWAYS | ({FORWARDING} if mailhost.forwards else set())) - spared


def ours(mailhost: MailHost, snapshot: Snapshot) -> list[dict[str, Any]]:
    """The processes of the services that have walls, and of their programs wherever they run."""
    wanted = needed(mailhost, snapshot) | {"nginx.service"}
    return [row for row in processes(snapshot) if row["unit"] in wanted or row["name"] in PROGRAMS]


@control(
    "SBX-01",
    claim="What a mail host needs runs as services that systemd-analyze judges at 3.0 or better",
    reference="systemd-analyze(1) security; systemd.exec(5)",
    severity="high",
)
class ServicesHaveWalls:
    """A hole in a parser of strangers' mail must not open the rest of the host."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        running, judged = set(services(snapshot)), exposure(snapshot)
        faults = [f"{name} does not run" for name in sorted(needed(mailhost, snapshot) - running)]
        for name in sorted(running - NO_WALLS):
            if name in judged and judged[name] > MOST:
                faults.append(f"{name} has an exposure of {judged[name]}, more than {MOST}")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SBX-03",
    claim="Processes of mail services are confined as they run: filtered calls, few capabilities, own view of the host",
    reference="proc_pid_status(5); seccomp(2); capabilities(7)",
    severity="high",
)
class ProcessesAreConfined:
    """A unit file says what would be; a program started by hand beside it has no walls at all."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        seen = ours(mailhost, snapshot)
        if not seen:
            raise NotCollectedError("no process of a mail service was seen")
        faults = []
        for row in seen:
            who = f"{row['name']} ({row['user']}, {row['unit'] or 'no unit'})"
            faults += [f"{who} makes any system call"] * (row["seccomp"] != "2")
            faults += [f"{who} may get capabilities that no mail service needs"] * bool(row["capabilities"] & FORBIDDEN)
            faults += [f"{who} sees the host as it is"] * (not row["own mounts"])
            # Dovecot alone starts a setgid program: postdrop, for absence notes.
            gains = row["no new privileges"] != "1" and row["unit"] != "dovecot.service"
            faults += [f"{who} may gain privileges"] * gains
            faults += [f"{who} runs outside of its service"] * (
                row["unit"] not in needed(mailhost, snapshot) | {"nginx.service"}
            )
        return holds_unless(faults, remedy=f"stop what runs outside of its unit; {REDEPLOY}")


@control(
    "SBX-04",
    claim="No process that speaks with strangers or reads their mail runs as root",
    reference="Postfix OVERVIEW; Dovecot, Users; CIS least privilege",
    severity="high",
)
class NoWorkerIsRoot:
    """Only the parents that start the others keep root, and they listen to nobody."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        seen = ours(mailhost, snapshot)
        if not seen:
            raise NotCollectedError("no process of a mail service was seen")
        faults = [
            f"{row['name']} of {row['unit'] or 'no unit'} runs as root"
            for row in seen
            if row["user"] == "root" and row["name"] not in ROOTS
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SBX-06",
    claim="A service that crashes comes back by itself, and leaves no core dump with mail or keys",
    reference="systemd.service(5) Restart; CIS Debian 12",
    severity="medium",
)
class ServicesComeBack:
    """A crash at night must not be an outage until morning."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        shown = services(snapshot)
        faults = []
        for name in sorted(needed(mailhost, snapshot)):
            restart = shown.get(name, {}).get("Restart", "nothing is known")
            if restart not in ("on-failure", "on-abnormal", "always"):
                faults.append(f"{name}: Restart={restart}")
        for row in processes(snapshot):
            if row["unit"] in needed(mailhost, snapshot) and row["core"] != "0":
                faults.append(f"{row['name']} of {row['unit']} may leave a core dump")
        return holds_unless(faults, remedy=REDEPLOY)
