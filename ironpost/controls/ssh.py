"""SSH: keys only, modern algorithms, no way to other places; for everybody, also for whom a Match block means."""

from __future__ import annotations

from collections.abc import Iterable

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.evidence.host import sshd
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

KEYS_ONLY = {
    "passwordauthentication": {"no"},
    "kbdinteractiveauthentication": {"no"},
    "permitemptypasswords": {"no"},
    "hostbasedauthentication": {"no"},
    "pubkeyauthentication": {"yes"},
    "permitrootlogin": {"no", "prohibit-password", "without-password", "forced-commands-only"},
}
CLOSED = {
    "disableforwarding": {"yes"},
    "allowtcpforwarding": {"no"},
    "allowagentforwarding": {"no"},
    "x11forwarding": {"no"},
    "permittunnel": {"no"},
    "gatewayports": {"no"},
    "permituserenvironment": {"no"},
}
CIPHERS = {"aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com"}
MACS = {"hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com"}
EXCHANGES = {"mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"}
EXCHANGES |= {"curve25519-sha256", "curve25519-sha256@libssh.org"}


def deviations(snapshot: Snapshot, wanted: dict[str, set[str]]) -> Iterable[str]:
    """Settings that are not as wanted for somebody; one that sshd does not show is a deviation too."""
    for who, shown in sshd(snapshot).items():
        for name, values in wanted.items():
            if shown.get(name) not in values:
                yield f"{name} {shown.get(name, 'is not shown')} for {who}"


@control(
    "OS-01",
    claim="SSH takes keys and nothing else, from everybody",
    reference="CIS Debian 12; NIST SP 800-123; sshd_config(5)",
    severity="critical",
)
class SshTakesKeysOnly:
    """Passwords are guessed around the clock; one weak account is enough."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        return holds_unless(deviations(snapshot, KEYS_ONLY), remedy=REDEPLOY)


@control(
    "OS-02",
    claim="SSH offers authenticated encryption and key exchange with X25519 only",
    reference="CIS Debian 12; BSI TR-02102-4; RFC 8731",
    severity="medium",
)
class SshAlgorithmsAreModern:
    """What is recorded today is decrypted when the weakest algorithm on the list falls."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        faults = []
        for who, shown in sshd(snapshot).items():
            for name, allowed in (("ciphers", CIPHERS), ("macs", MACS), ("kexalgorithms", EXCHANGES)):
                offered = set(shown.get(name, "").split(",")) - {""}
                faults += [f"{name} offers {each} to {who}" for each in sorted(offered - allowed)]
                faults += [] if offered else [f"{name} is not shown for {who}"]
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "OS-03",
    claim="SSH limits half-open connections, tries, and sessions whose other end is gone",
    reference="CIS Debian 12",
    severity="low",
)
class SshSessionsAreLimited:
    """Six tries, because an agent offers all its keys; the rest is as tight as CIS asks."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        limits = {"logingracetime": 60, "maxauthtries": 6, "maxsessions": 10, "clientaliveinterval": 600}
        faults = []
        for who, shown in sshd(snapshot).items():
            for name, most in limits.items():
                value = shown.get(name, "")
                if not value.isdigit() or not 0 < int(value) <= most:
                    faults.append(f"{name} {value or 'is not shown'} for {who}; at most {most}")
            starts = shown.get("maxstartups", "").split(":")
            if len(starts) != 3 or not starts[2].isdigit() or int(starts[2]) > 60:
                faults.append(f"maxstartups {shown.get('maxstartups', 'is not shown')}; at most 60 at once")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "OS-04",
    claim="SSH forwards nothing: no ports, agents, displays or tunnels, for nobody",
    reference="CIS Debian 12; CVE-2025-32728",
    severity="medium",
)
class SshForwardsNothing:
    """A stolen key of a mail host must not be a way into the network behind it."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        return holds_unless(deviations(snapshot, CLOSED), remedy=REDEPLOY)
