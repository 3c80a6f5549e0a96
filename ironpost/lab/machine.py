"""The life of one host: a container with systemd as PID 1, in a network namespace and a cgroup of its own.

The cgroup is what makes it safe to end a host: whatever is in it belongs to that host and to nothing else. Without
one each, hosts would share a "payload" group, and one host's systemd would end another's services.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ironpost.lab.state import LabError, read_json, write_json

CGROUPS = Path("/sys/fs/cgroup")
POWER_OFF_SECONDS = 60
KILL_SECONDS = 20


@dataclass(frozen=True)
class Machine:
    """`lab` and `host` name the cgroup; `directory` holds the console's log and the process id."""

    lab: str
    host: str
    directory: Path
    namespace: str

    def alive(self) -> bool:
        """Whether the process that was started is still the one that runs; a reused id does not count."""
        started = read_json(self.directory / "machine.json")
        return bool(started) and _start_time(int(started["pid"])) == started["start_time"]

    def power_on(self, root: Path, read_only_binds: dict[Path, str]) -> None:
        """Boots the host; returns at once. What is left of an earlier life is cleared away first."""
        self.kill()
        groups = [path for path in self._groups() if path.parent.parent.parent.exists()]
        for group in groups:
            group.mkdir(parents=True, exist_ok=True)
        enter = "".join(f"echo $$ > {shlex.quote(str(group / 'cgroup.procs'))}; " for group in groups)
        launch = f"{enter}exec {shlex.join(self._nspawn(root, read_only_binds))}"
        console = self.directory / "console.log"
        # The shell in between ends at once, so that the host belongs to no command of ours and outlives it.
        background = f"setsid sh -c {shlex.quote(launch)} >{shlex.quote(str(console))} 2>&1 </dev/null & echo $!"
        spawned = subprocess.run(["sh", "-c", background], capture_output=True, text=True, timeout=60, check=True)
        pid = int(spawned.stdout)
        write_json(self.directory / "machine.json", {"pid": pid, "start_time": _start_time(pid)})

    def _nspawn(self, root: Path, read_only_binds: dict[Path, str]) -> list[str]:
        binds = [f"--bind-ro={source}:{target}" for source, target in read_only_binds.items()]
        return [
            # Its lock files would stay behind; the lab has a lock of its own. /proc/sys/net is the host's own, as its
            # network namespace is.
            *(
                "env",
                "SYSTEMD_NSPAWN_LOCK=0",
                "SYSTEMD_NSPAWN_API_VFS_WRITABLE=network",
                "systemd-nspawn",
                "--quiet",
                "--boot",
                f"--directory={root}",
                f"--machine={self.lab}-{self.host}",
            ),
            *("--register=no", "--keep-unit", f"--network-namespace-path=/run/netns/{self.namespace}"),
            *("--capability=CAP_NET_ADMIN", "--resolv-conf=off", "--timezone=off", "--link-journal=no"),
            *("--console=read-only", *binds),
        ]

    def power_off(self) -> None:
        """An orderly shutdown; what does not end in time is killed."""
        started = read_json(self.directory / "machine.json")
        if self.alive():
            # systemd-nspawn(1), --kill-signal: on SIGTERM it asks the host's PID 1 to halt.
            os.kill(int(started["pid"]), signal.SIGTERM)
            deadline = time.monotonic() + POWER_OFF_SECONDS
            while self.alive() and time.monotonic() < deadline:
                time.sleep(0.05)
        self.kill()

    def kill(self) -> None:
        """Like pulling the plug: every process of the host gets SIGKILL, and its cgroup goes. Raises LabError."""
        deadline = time.monotonic() + KILL_SECONDS
        while time.monotonic() < deadline:
            for group in self._groups():
                _kill_group(group)
            if all(_remove_group(group) for group in self._groups()):
                break
            time.sleep(0.05)
        else:
            raise LabError(f"lab {self.lab}: {self.host} does not die in {KILL_SECONDS} s; see its cgroup")
        (self.directory / "machine.json").unlink(missing_ok=True)
        _forget(f"{self.lab}-{self.host}")

    def _groups(self) -> list[Path]:
        """Its cgroup in the unified hierarchy and, where that is mounted beside it, in systemd's own."""
        tops = [CGROUPS] if (CGROUPS / "cgroup.procs").exists() else [CGROUPS / "unified", CGROUPS / "systemd"]
        return [top / "ironpost-lab" / self.lab / self.host for top in tops]


def _kill_group(group: Path) -> None:
    if (group / "cgroup.kill").exists():
        (group / "cgroup.kill").write_text("1")
        return
    for listing in group.glob("**/cgroup.procs"):
        for pid in listing.read_text().split():
            if _start_time(int(pid)):
                with contextlib.suppress(ProcessLookupError):  # it ended between the two lines
                    os.kill(int(pid), signal.SIGKILL)


def _remove_group(group: Path) -> bool:
    """Removes a cgroup with its children, and its parents once they are empty; False while something is in it."""
    folders = [Path(top) for top, _, _ in os.walk(group, topdown=False)]
    for folder in folders:
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    for parent in (group.parent, group.parent.parent):
        try:
            parent.rmdir()
        except OSError:
            break
    return True


def _forget(machine: str) -> None:
    """systemd-nspawn keeps a folder for each machine name, and leaves it when it is killed."""
    for kept in ("propagate", "unix-export"):
        place = Path("/run/systemd/nspawn") / kept / machine
        if place.is_dir():
            subprocess.run(["umount", "-q", str(place)], capture_output=True, timeout=30)
            place.rmdir()


def _start_time(pid: int) -> str:
    """proc(5), stat, field 22: with the id it names one process for as long as the machine runs. "" when gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return "" if fields[0] in "ZX" else fields[19]
