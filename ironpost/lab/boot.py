"""Bringing a lab up, healing it, and taking it down without a trace."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ironpost.lab import network, tools
from ironpost.lab.growth import announcement
from ironpost.lab.image import Progress, build_trees, drop_stale
from ironpost.lab.lab import BOOT_SECONDS, Lab
from ironpost.lab.machine import Machine
from ironpost.lab.plan import PlannedHost, plan_lab
from ironpost.lab.repository import build_repositories
from ironpost.lab.state import (
    LabError,
    free_slot,
    lab_directory,
    locked,
    raise_inotify_limit,
    read_json,
    restore_inotify_limit,
    take_slot,
    write_json,
)

MOST_EXTRA_HOSTS = 500


def up(name: str = "demo", extra_hosts: int = 0, progress: Progress = print, fleet: bool = False) -> Lab:
    """The lab `name`, running. One that runs already is healed: hosts that died are booted, hosts asked for are added.

    With `fleet` it has eight mail hosts; that is decided when it is made.

    Raises LabError, with what the machine lacks or what failed.
    """
    _refuse(name, extra_hosts)
    progress = _one_at_a_time(progress)
    directory = lab_directory(name)
    with locked(directory.parent / f".{name}.lock"):
        held = int(read_json(directory / "lab.json").get("extra_hosts", extra_hosts))
        lab = _planned(name, directory, extra_hosts, fleet)
        _provide_images(lab, progress)
        raise_inotify_limit()
        network.bring_up_bridge(lab.plan)
        lab.make_keys()
        _boot([host for host in lab.hosts if not lab.healthy(host)], lab, progress)
        if extra_hosts > held:
            script = announcement(lab.plan, lab.plan.of_role("bare")[held:])
            lab.run(lab.plan.of_role("name server")[0], "sh >/dev/null", input=script, timeout=120)
    return lab


def grown(name: str, extra_hosts: int) -> Lab:
    """The lab that is up, with so many bare hosts planned, which have keys and stay off. For clones (`Lab.clone`)."""
    directory = lab_directory(name)
    with locked(directory.parent / f".{name}.lock"):
        kept = read_json(directory / "lab.json")
        write_json(directory / "lab.json", kept | {"extra_hosts": extra_hosts})
        lab = Lab.named(name)
        lab.make_keys()
    return lab


def _one_at_a_time(progress: Progress) -> Progress:
    """Trees are built side by side, and their lines must not run into each other."""
    lock = threading.Lock()

    def say(line: str) -> None:
        with lock:
            progress(line)

    return say


def _refuse(name: str, extra_hosts: int) -> None:
    lacking = tools.missing()
    if lacking:
        raise LabError("\n".join(lacking))
    if not 0 <= extra_hosts <= MOST_EXTRA_HOSTS:
        raise LabError(f"lab {name}: {extra_hosts} hosts asked for; 0 to {MOST_EXTRA_HOSTS} are possible")


def _planned(name: str, directory: Path, extra_hosts: int, fleet: bool) -> Lab:
    """Remembers slot and size before anything is made, so that a crash leaves enough to clean up by."""
    slot = take_slot(name, directory)
    kept = read_json(directory / "lab.json")
    if kept and fleet and not kept.get("fleet"):
        raise LabError(f"lab {name}: is up with two mail hosts; take it down first: ironpost lab down --name {name}")
    extra, whole = max(extra_hosts, int(kept.get("extra_hosts", 0))), fleet or bool(kept.get("fleet"))
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_json(directory / "lab.json", {"name": name, "slot": slot, "extra_hosts": extra, "fleet": whole})
    return Lab(plan_lab(name, slot, extra, whole), directory)


def _provide_images(lab: Lab, progress: Progress) -> None:
    trees = build_trees({(host.release, host.image) for host in lab.hosts}, progress)
    repositories = build_repositories({host.release for host in lab.hosts}, progress)
    drop_stale({*trees.values(), *repositories.values()})


def _boot(absent: list[PlannedHost], lab: Lab, progress: Progress) -> None:
    """Boots hosts side by side. Bare hosts count as up with SSH, the others when systemd has started everything."""
    if not absent:
        progress(f"lab {lab.name}: {len(lab.hosts)} hosts are up")
        return
    progress(f"lab {lab.name}: booting {len(absent)} hosts")
    _each(lab.power_off, [host for host in absent if lab.alive(host)])
    _each(lab.switch_on, absent)
    _each(lambda host: _wait(lab, host), absent)
    progress(f"lab {lab.name}: {len(lab.hosts)} hosts are up")


def _each(act: Callable[[PlannedHost], None], hosts: Iterable[PlannedHost]) -> None:
    with ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
        list(pool.map(act, hosts))


def _wait(lab: Lab, host: PlannedHost) -> None:
    lab.wait_for_login(host)
    if host.role != "bare":
        _wait_for_systemd(lab, host)
    lab.set_ready(host)


def _wait_for_systemd(lab: Lab, host: PlannedHost) -> None:
    waited = lab.run(host, "systemctl is-system-running --wait", timeout=BOOT_SECONDS, check=False)
    if waited.stdout.strip() != "running":
        failed = lab.run(host, "systemctl --failed --no-legend --plain", check=False).stdout.strip()
        state = waited.stdout.strip() or waited.stderr.strip()
        raise LabError(f"{host.fqdn}: systemd says {state!r} after boot; failed units: {failed or 'none'}")


def down(name: str = "demo", progress: Progress = print) -> None:
    """Ends the lab: processes, mounts, namespaces, bridge, routes, state. The image cache stays."""
    directory = lab_directory(name)
    if not read_json(directory / "lab.json"):
        progress(f"lab {name}: it is not up")
        return
    with locked(directory.parent / f".{name}.lock"):
        lab = Lab.named(name)
        _each(lambda host: _remove(lab, host), lab.hosts)
        network.take_down_bridge(lab.plan)
        shutil.rmtree(directory)
        if free_slot(directory):
            restore_inotify_limit()
        (directory.parent / f".{name}.lock").unlink(missing_ok=True)
    progress(f"lab {name}: down")


def _remove(lab: Lab, host: PlannedHost) -> None:
    machine: Machine = lab.machine(host)
    lab.hang_up(host)
    machine.kill()
    lab.disk(host).wipe()
