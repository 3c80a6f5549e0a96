"""The apt repository inside the lab: signed, one per release, all that a mail host installs.

Test hosts have no way out; with this, `apt-get install` is real, fast and offline.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from ironpost.lab.image import Progress, digest, tree_path
from ironpost.lab.mirror import apt_sources
from ironpost.lab.plan import Release
from ironpost.lab.state import LabError, cache_directory, locked

MOUNTED_AT = "/srv/lab-repository"
SOURCES_LINE = f"deb [signed-by={MOUNTED_AT}/key.gpg] file:{MOUNTED_AT} ./\n"
DOWNLOAD_SECONDS = 600

# Everything that the mail hosts install, with what it depends on.
PACKAGES = (
    "postfix",
    "postfix-pcre",
    "dovecot-core",
    "dovecot-imapd",
    "dovecot-pop3d",
    "dovecot-lmtpd",
    "dovecot-sieve",
    "dovecot-managesieved",
    "dovecot-auth-lua",
    "dovecot-ldap",
    "dovecot-pgsql",
    "postfix-ldap",
    "postfix-pgsql",
    "postsrsd",
    "libsasl2-modules",
    "rspamd",
    "redis-server",
    "nftables",
    "unbound",
    "dns-root-data",
    "unattended-upgrades",
    "auditd",
    "systemd-timesyncd",
    "python3",
    "python3-minimal",
    "cron-daemon-common",
    "ca-certificates",
    "tzdata",
    "fail2ban",
    "nginx",
    "postfix-mta-sts-resolver",
    "python3-aiosqlite",
    "python3-systemd",
    "openssl",
    "certbot",
    "python3-dnspython",
    "python3-jwt",
    "python3-cryptography",
    "procps",
)
# What a host has that was somebody's, and will be taken over. They stand in the way of the others, so that apt is asked
# for them by themselves.
OTHERS = ("exim4-daemon-light", "ufw", "systemd-resolved", "cloud-init")
# On Debian 13 alone: for installing a wheel with its own Python, and the servers that may know who has an account or
# say who somebody is.
EXTRA: dict[Release, tuple[str, ...]] = {
    "bookworm": (),
    "trixie": ("python3-venv", "python3-pip", "slapd", "ldap-utils", "postgresql", "nodejs"),
}

BATCH_KEY = """%no-protection
Key-Type: EDDSA
Key-Curve: ed25519
Key-Usage: sign
Name-Real: Ironpost lab repository
Expire-Date: 0
%commit
"""


def packages(release: Release) -> tuple[str, ...]:
    return (*PACKAGES, *EXTRA[release], *OTHERS)


def repository_path(release: Release) -> Path:
    """Where this release's repository is, or will be; what a bare tree holds already is not in it."""
    recipe = digest(tree_path(release, "bare").name, *packages(release), BATCH_KEY)
    return cache_directory() / f"repository-{release}-{recipe}"


def build_repositories(releases: set[Release], progress: Progress) -> dict[Release, Path]:
    """Downloads and signs the repositories that are not in the cache; needs the bare trees."""
    with locked(cache_directory() / "lock"):
        for release in sorted(releases):
            if not repository_path(release).exists():
                _build(release, progress)
    return {release: repository_path(release) for release in releases}


def _build(release: Release, progress: Progress) -> None:
    started = time.monotonic()
    final = repository_path(release)
    with tempfile.TemporaryDirectory(dir=final.parent, prefix="building-") as name:
        place = Path(name)
        building = place / "repository"
        building.mkdir(mode=0o755)
        _download(release, place, building)
        _index(release, building)
        _sign(place, building)
        building.rename(final)
    count = len(list(final.glob("*.deb")))
    progress(f"{count} packages for Debian {release} downloaded and signed in {time.monotonic() - started:.0f} s")


def _download(release: Release, place: Path, into: Path) -> None:
    """Lets the machine's apt solve for the bare tree's package state, and fetch without installing."""
    for folder in ("lists/partial", "archives/partial", "empty"):
        (place / folder).mkdir(parents=True)
    (place / "sources.list").write_text("\n".join(apt_sources(release)) + "\n")
    options = {
        "Dir::State": place,
        "Dir::State::status": tree_path(release, "bare") / "var/lib/dpkg/status",
        "Dir::State::lists": place / "lists",
        "Dir::Cache": place,
        "Dir::Cache::archives": place / "archives",
        "Dir::Etc::SourceList": place / "sources.list",
        "Dir::Etc::SourceParts": place / "empty",
        "Dir::Etc::PreferencesParts": place / "empty",
        # The tree's dpkg lock is none of ours: the tree is only read.
        "Debug::NoLocking": "true",
        "APT::Sandbox::User": "root",
        "APT::Default-Release": "",
    }
    flags = [f"-o{key}={value}" for key, value in options.items()]
    _must(["apt-get", *flags, "-q", "update"], place)
    for group in (packages(release)[: -len(OTHERS)], OTHERS):
        install = ["-y", "--no-install-recommends", "--download-only", "install", *group]
        _must(["apt-get", *flags, "-q", *install], place)
    for archive in (place / "archives").glob("*.deb"):
        archive.rename(into / archive.name)


def _index(release: Release, building: Path) -> None:
    """Packages and Release of a flat repository; named as Debian's own, which is where the packages are from."""
    (building / "Packages").write_text(_must(["apt-ftparchive", "packages", "."], building))
    fields = {"Origin": "Debian", "Label": "Debian", "Suite": release, "Codename": release}
    flags = [f"-oAPT::FTPArchive::Release::{key}={value}" for key, value in fields.items()]
    # Written outside first, or the half-written file would be listed in itself.
    release_file = _must(["apt-ftparchive", *flags, "release", "."], building)
    (building / "Release").write_text(release_file)


def _sign(place: Path, building: Path) -> None:
    """A key that lives as long as this build: its public half is what the hosts' signed-by names."""
    # GnuPG's agent makes a socket in here, and socket names are short (unix(7): 108 bytes).
    home = Path(tempfile.mkdtemp(prefix="lab-gpg-"))
    gpg = ["gpg", "--homedir", str(home), "--batch", "--yes", "--quiet"]
    try:
        (place / "key.batch").write_text(BATCH_KEY)
        _must([*gpg, "--generate-key", str(place / "key.batch")], place)
        _must([*gpg, "--clearsign", "--output", "InRelease", "Release"], building)
        _must([*gpg, "--output", "key.gpg", "--export"], building)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], capture_output=True, timeout=30)
        shutil.rmtree(home, ignore_errors=True)


def _must(command: list[str], where: Path) -> str:
    ran = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS)
    if ran.returncode != 0:
        said = "\n  ".join(ran.stderr.strip().splitlines()[-8:])
        raise LabError(f"lab repository: {' '.join(command[:1])} failed; it said:\n  {said}")
    return ran.stdout
