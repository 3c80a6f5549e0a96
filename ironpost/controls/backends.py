"""What works behind the doors: where it listens, how it is confined, and that no process before login outlives one."""

from __future__ import annotations

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.firewall import COUNTS
from ironpost.controls.tls import REDEPLOY
from ironpost.controls.walls import NEEDED
from ironpost.evidence import NotCollectedError
from ironpost.evidence.host import part, processes, services
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# Programs that answer strangers; whatever else has a port works for them.
DOORKEEPERS = {"master", "smtpd", "postscreen", "dovecot", "imap-login", "pop3-login", "managesieve-login"}
DOORKEEPERS |= {"nginx", "sshd", "systemd"}
# systemd.exec(5) CapabilityBoundingSet of Debian 13's own postfix.service; ours may be smaller and not larger.
CAPABILITIES = {"cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_net_bind_service", "cap_setgid"}
CAPABILITIES |= {"cap_setuid", "cap_sys_chroot"}
SWITCHES: tuple[str, ...] = (
    "MemoryDenyWriteExecute",
    "PrivateDevices",
    "ProtectClock",
    "ProtectControlGroups",
    "ProtectHostname",
)
SWITCHES += ("ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables")
LOGIN_SERVICES = ("imap-login", "pop3-login", "managesieve-login")
ONCE = ("service_count", "restart_request_count")  # Dovecot 2.3, 2.4; 1 is the default of both


@control(
    "FW-04",
    claim="What works behind the doors listens on sockets and loopback, so that it is closed without a firewall too",
    reference="NIST SP 800-53 SC-7; CIS Debian 12; unbound.conf(5) interface; redis.conf bind",
    severity="high",
    cost="passive",
)
class BackendsStayInside:
    """A firewall is one mistake away from being open; what does not listen cannot be reached then either."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        if not snapshot.listeners:
            raise NotCollectedError("ss shows no listener at all")
        shared = {(COUNTS, frozenset({"python3"}))} if mailhost.counts_with else set()  # for the fleet, by certificate
        faults = [
            f"{', '.join(sorted(each.programs)) or 'nobody known'} listens on {each.protocol} "
            f"{each.address}:{each.port}"
            for each in snapshot.listeners
            if not each.is_loopback and not each.programs & DOORKEEPERS and (each.port, each.programs) not in shared
        ]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SBX-02",
    claim="The unit in which Postfix really runs is confined at least as Debian 13 ships it, on either release",
    reference="systemd.exec(5); Debian 13 postfix.service",
    severity="high",
    cost="passive",
)
class PostfixIsConfined:
    """On Debian 12 postfix.service is an empty shell: a drop-in for it confines nothing, and nobody notices."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        release = part(snapshot, "release")
        if release not in NEEDED:
            raise NotCollectedError(f"the release {release!r} is not known")
        unit = next(iter(NEEDED[release]))
        shown = services(snapshot).get(unit)
        if shown is None:
            return holds_unless([f"{unit} does not run"], remedy=REDEPLOY)
        if "CapabilityBoundingSet" not in shown:
            raise NotCollectedError(f"systemctl does not show how {unit} is confined")
        faults = [f"{unit}: {name}={shown.get(name, '')}" for name in SWITCHES if shown.get(name) != "yes"]
        extra = set(shown["CapabilityBoundingSet"].split()) - CAPABILITIES
        faults += [f"{unit} keeps {', '.join(sorted(extra))[:200]}"] * bool(extra)
        if shown.get("ProtectSystem") not in ("full", "strict"):
            faults.append(f"{unit}: ProtectSystem={shown.get('ProtectSystem', '')}")
        faults += [f"{unit} may make any system call"] * (not shown.get("SystemCallFilter"))
        families = shown.get("RestrictAddressFamilies", "").split()
        faults += [f"{unit} may open sockets of any kind"] * (not families or families[0].startswith("~"))
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "SBX-05",
    claim="Each connection before login has a process of its own, without rights and shut into an empty folder",
    reference="Dovecot, Login processes (high-security mode); doveconf service_count, restart_request_count",
    cost="passive",
    roles={"mailbox"},
)
class LoginsDoNotShareAProcess:
    """A hole in what speaks with strangers before login must not show it the passwords of those who come after."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        said = snapshot.dovecot
        if not said:
            raise NotCollectedError("doveconf shows nothing")
        faults = []
        for service in LOGIN_SERVICES:
            shown = {name: said[f"service {service}/{name}"] for name in ONCE if f"service {service}/{name}" in said}
            faults += [f"Dovecot: service {service}: {name} = {value}" for name, value in shown.items() if value != "1"]
            for name, good in (("chroot", "login"), ("user", "dovenull")):
                value = said.get(f"service {service}/{name}", good)
                faults += [f"Dovecot: service {service}: {name} = {value}"] * (
                    value not in (good, "$SET:default_login_user")
                )
        if said.get("default_login_user", "dovenull") != "dovenull":
            faults.append(f"Dovecot: default_login_user = {said['default_login_user']}")
        running = [row for row in processes(snapshot) if row["name"] in LOGIN_SERVICES]
        faults += [f"{row['name']} runs as {row['user']}" for row in running if row["user"] != "dovenull"]
        return holds_unless(faults, remedy=REDEPLOY)
