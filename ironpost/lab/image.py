"""Root trees that hosts start from: built once per (release, kind), cached, and shared read-only by all labs."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ironpost.lab.mirror import apt_proxies, apt_sources
from ironpost.lab.plan import Image, Release
from ironpost.lab.state import LabError, cache_directory, locked

Progress = Callable[[str], None]
BUILD_SECONDS = 900
STALE_SECONDS = 24 * 3600

# As little as a rented server has: SSH, and no Python. The services image carries what the other operators run.
BARE = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "iproute2",
    "ca-certificates",
    "sudo",
)
SERVICES = (
    *BARE,
    "knot",
    "knot-dnsutils",
    "unbound",
    "dns-root-data",
    "bind9-dnsutils",
    "postfix",
    "dkimpy-milter",
    "postfix-policyd-spf-python",
    "opendmarc",
    "python3",
    "python3-dkim",
    "python3-nacl",
    "openssl",
    "procps",
    "swaks",
    "pebble",
    "libsasl2-modules",
    "libsasl2-modules-db",
    "sasl2-bin",
)
INCLUDED: dict[Image, tuple[str, ...]] = {"bare": BARE, "services": SERVICES}
STOCK_ANCHOR = "/etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf"
IDLE_SERVICES = "knot unbound unbound-resolvconf postfix dkimpy-milter opendmarc"

# Runs in the finished tree ($1). The diversion: two trust anchors for "." are fatal to unbound, and the stock one is
# of the public root. systemd-networkd-wait-online would hold network-online.target for two minutes.
CUSTOMISE = f"""set -eu
chroot "$1" dpkg-divert --local --rename --divert {STOCK_ANCHOR}.stock --add {STOCK_ANCHOR} >/dev/null
chroot "$1" systemctl mask systemd-networkd-wait-online.service 2>/dev/null
for unit in {IDLE_SERVICES}; do
  chroot "$1" systemctl disable $unit.service >/dev/null 2>&1 || true
done
rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/resolv.conf "$1"/etc/hostname "$1"/etc/apt/sources.list
rm -f "$1"/etc/apt/sources.list.d/* "$1"/etc/apt/apt.conf.d/99mmdebstrap
: > "$1/etc/machine-id"
mkdir -p "$1/srv/lab-repository"
"""


def digest(*recipe: str) -> str:
    """Names a build by what it is made from, so that a changed recipe never meets an old tree."""
    return hashlib.sha256("\0".join(recipe).encode()).hexdigest()[:12]


def tree_path(release: Release, kind: Image) -> Path:
    """Where this tree is, or will be."""
    return cache_directory() / f"tree-{release}-{kind}-{digest(*INCLUDED[kind], CUSTOMISE)}"


def build_trees(wanted: set[tuple[Release, Image]], progress: Progress) -> dict[tuple[Release, Image], Path]:
    """Makes the trees that are not in the cache, side by side, under the cache's lock."""
    with locked(cache_directory() / "lock"):
        absent = sorted(key for key in wanted if not tree_path(*key).exists())
        with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
            list(pool.map(lambda key: _build_tree(key[0], key[1], progress), absent))
    return {key: tree_path(*key) for key in wanted}


def _build_tree(release: Release, kind: Image, progress: Progress) -> None:
    started = time.monotonic()
    progress(f"building a {kind} Debian {release} tree")
    final = tree_path(release, kind)
    with tempfile.TemporaryDirectory(dir=final.parent, prefix="building-") as place:
        building = Path(place) / "tree"
        hook = Path(place) / "customise.sh"
        hook.write_text(CUSTOMISE)
        _mmdebstrap(release, kind, building, hook)
        building.rename(final)
    progress(f"{kind} Debian {release} tree built in {time.monotonic() - started:.0f} s")


def _mmdebstrap(release: Release, kind: Image, building: Path, hook: Path) -> None:
    """Raises LabError with the last lines of mmdebstrap's output."""
    command = [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(INCLUDED[kind])}",
        *(f"--aptopt={line}" for line in apt_proxies()),
        f'--customize-hook=sh {hook} "$1"',
        release,
        str(building),
        "-",
    ]
    sources = "\n".join(apt_sources(release)) + "\n"
    built = subprocess.run(command, input=sources, capture_output=True, text=True, timeout=BUILD_SECONDS)
    if built.returncode != 0:
        said = "\n  ".join(built.stderr.strip().splitlines()[-8:])
        raise LabError(f"lab image {release} {kind}: mmdebstrap failed; it said:\n  {said}")


def drop_stale(keep: set[Path]) -> None:
    """Removes what older recipes left in the cache, except what a host of any lab still stands on.

    What any lab asked for within a day stays too: checkouts with different recipes take turns on one machine.
    """
    now = time.time()
    with locked(cache_directory() / "lock"):
        for path in keep:
            os.utime(path, (now, now))
        others = {path for path in cache_directory().glob("*-*") if path not in keep}
        stale = {path for path in others if now - path.stat().st_mtime > STALE_SECONDS}
        for path in stale - _in_use(stale):
            shutil.rmtree(path, ignore_errors=True)


def _in_use(paths: set[Path]) -> set[Path]:
    """Hosts have mounts that the machine's own list does not show, so every mount namespace is read."""
    used: set[Path] = set()
    for listing in Path("/proc").glob("[0-9]*/mountinfo") if paths else ():
        try:
            text = listing.read_text()
        except OSError:
            continue  # the process has ended
        used |= {path for path in paths - used if path.name in text}
    return used
