"""Updates: that they come by themselves, from Debian, and are in use."""

from __future__ import annotations

import datetime
import re

from ironpost.controls.control import Verdict, control, holds_unless
from ironpost.controls.tls import REDEPLOY
from ironpost.controls.walls import ours
from ironpost.evidence import NotCollectedError
from ironpost.evidence.host import part
from ironpost.evidence.snapshot import Snapshot
from ironpost.mailhost import MailHost

# Release → last day of regular and of long-term support (wiki.debian.org/DebianReleases, /LTS).
SUPPORTED = {
    "bookworm": (datetime.date(2026, 6, 10), datetime.date(2028, 6, 30)),
    "trixie": (datetime.date(2028, 8, 9), datetime.date(2030, 6, 30)),
}
# How the versions of the release's own packages begin: a host that was half upgraded gets updates of neither.
VERSIONS = {
    "bookworm": {"openssl": "3.0.", "postfix": "3.7.", "dovecot-core": "1:2.3."},
    "trixie": {"openssl": "3.5.", "postfix": "3.10.", "dovecot-core": "1:2.4."},
}
PERIODIC = ("Update-Package-Lists", "Unattended-Upgrade")


@control(
    "UPD-01",
    claim="Security updates are installed within a day, without a person",
    reference="CIS Debian 12; NIST SP 800-53 SI-2; apt.conf(5)",
    severity="high",
)
class SecurityUpdatesComeByThemselves:
    """Most break-ins use holes for which there was an update."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        said = snapshot.text("host", "apt")
        faults = []
        for name in PERIODIC:
            every = re.search(rf'^APT::Periodic::{name} "(\d*)";', said, re.M)
            if not every or every.group(1) != "1":
                faults.append(f"APT::Periodic::{name} is {every.group(1) if every else 'not set'}, not daily")
        if not re.search(r'^Unattended-Upgrade::Origins-Pattern:: ".*(-security|Debian-Security).*";', said, re.M):
            faults.append("unattended-upgrades takes nothing from Debian-Security")
        blocks = [
            dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
            for block in snapshot.text("host", "timers").split("\n\n")
        ]
        shown = {block.get("Id", ""): block for block in blocks}
        for timer in ("apt-daily.timer", "apt-daily-upgrade.timer"):
            if shown.get(timer, {}).get("ActiveState") != "active":
                faults.append(f"{timer} does not run")
        return holds_unless(faults, remedy=REDEPLOY)


@control(
    "UPD-02",
    claim="Mail services use the libraries that are installed, not those that an update has replaced",
    reference="CIS Debian 12; needrestart(1)",
    severity="high",
)
class UpdatesAreInUse:
    """An updated OpenSSL helps nobody while the old one runs."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        seen = ours(mailhost, snapshot)
        if not seen:
            raise NotCollectedError("no process of a mail service was seen")
        faults = [
            f"{row['unit'] or row['name']} still uses the old {path}" for row in seen for path in row["outdated"][:2]
        ]
        return holds_unless(faults, remedy=f"restart that service; {REDEPLOY}")


@control(
    "UPD-03",
    claim="The release of Debian gets security updates: regular ones at strict, those of LTS at least",
    reference="Debian releases; Debian LTS; NIST SP 800-53 SA-22",
    severity="high",
    cost="passive",
)
class ReleaseIsSupported:
    """After its last day holes are found as before, and nobody closes them."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        return until(mailhost, snapshot, 1, "long-term support")

    def strict_inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        return until(mailhost, snapshot, 0, "regular support")


def until(mailhost: MailHost, snapshot: Snapshot, which: int, kind: str) -> Verdict:
    release = part(snapshot, "release")
    if release not in SUPPORTED:
        raise NotCollectedError(f"the release {release!r} is not known")
    end, faults = SUPPORTED[release][which], []
    for package, start in VERSIONS[release].items():
        if package == "dovecot-core" and not mailhost.has_dovecot:
            continue
        if package not in snapshot.packages:
            raise NotCollectedError(f"the version of {package} was not seen")
        version = snapshot.packages[package]
        faults += [f"{package} {version} is not of {release}"] * (not version.startswith(start))
    faults += [f"{kind} of {release} ended on {end}"] * (snapshot.taken.date() > end)
    remedy = "finish the upgrade, or set the host up anew on the next release"
    return holds_unless(faults, remedy=remedy, seen=f"{kind} of {release} until {end}")


@control(
    "UPD-04",
    claim="Packages come from signed sources, each with the key that it must be signed with",
    reference="CIS Debian 12; sources.list(5); apt-secure(8)",
    severity="high",
)
class SourcesAreSigned:
    """Whoever may replace a package owns the host."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        lists = part(snapshot, "host", "sources")
        texts = {path: snapshot.text("host", "sources", path) for path in lists}
        if not any(re.search(r"^\s*(deb |URIs:)", text, re.M) for text in texts.values()):
            raise NotCollectedError("no package source was seen")
        faults = []
        for path, text in texts.items():
            lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
            if re.search(r"trusted\s*[=:]\s*yes|allow-insecure\s*[=:]\s*yes|allow-weak\s*[=:]\s*yes", lines, re.I):
                faults.append(f"{path} takes packages that nobody has signed")
            for uri in re.findall(r"http://[^\s/]+", lines):
                if not re.search(r"(^|[./])debian\.org$", uri.removeprefix("http:/")):
                    faults.append(f"{path} asks {uri} without TLS")
        if re.search(
            r'^(APT::Get::AllowUnauthenticated|Acquire::AllowInsecureRepositories) "(1|true|yes)";',
            snapshot.text("host", "apt"),
            re.M,
        ):
            faults.append("apt takes packages that nobody has signed")
        return holds_unless(faults, remedy=f"remove that source, and look at what was installed from it; {REDEPLOY}")
