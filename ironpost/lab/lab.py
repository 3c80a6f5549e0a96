"""One running test network: who is in it, how to reach it, and how to switch its hosts off and on."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from ironpost.lab import network, remote
from ironpost.lab.acme import MANAGEMENT_PORT, PORT, acme_key
from ironpost.lab.authority import Authority
from ironpost.lab.disk import Disk, write_tree
from ironpost.lab.identity import identity, ssh_key, trusting
from ironpost.lab.image import tree_path
from ironpost.lab.machine import Machine
from ironpost.lab.plan import OPERATED_ZONES, LabPlan, PlannedHost, plan_lab
from ironpost.lab.repository import MOUNTED_AT, repository_path
from ironpost.lab.roles import role_tree
from ironpost.lab.state import LabError, lab_directory, read_json
from ironpost.lab.trust import Keys, Tsig, make_keys

SSH_SECONDS = 60
BOOT_SECONDS = 90

__all__ = ["Lab", "LabError", "LabHost", "Tsig"]


LabHost = PlannedHost
ACME_ROOT = (
    "python3 -c 'import ssl, urllib.request as r; c = ssl._create_unverified_context();"
    f' print(r.urlopen("https://localhost:{MANAGEMENT_PORT}/roots/0", context=c).read().decode())\''
)


class Lab:
    """The lab that `up` made; everything needed to use it, and nothing that changes what it is."""

    def __init__(self, plan: LabPlan, directory: Path) -> None:
        self.plan = plan
        self.directory = directory
        self.ssh_key = directory / "ssh" / "id_ed25519"
        self.known_hosts = directory / "ssh" / "known_hosts"
        self.controller = (plan.controller_ipv4, plan.controller_ipv6)

    @classmethod
    def named(cls, name: str) -> Lab:
        """The lab of that name on this machine. Raises LabError where it has not been brought up."""
        directory = lab_directory(name)
        kept = read_json(directory / "lab.json")
        if not kept:
            raise LabError(f"lab {name}: it is not up; run: ironpost lab up --name {name}")
        return cls(plan_lab(name, int(kept["slot"]), int(kept["extra_hosts"]), bool(kept.get("fleet"))), directory)

    @classmethod
    def current(cls) -> Lab:
        """The lab that the environment variable IRONPOST_LAB names, else "demo"."""
        return cls.named(os.environ.get("IRONPOST_LAB") or "demo")

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def hosts(self) -> tuple[LabHost, ...]:
        return self.plan.hosts

    def host(self, name: str) -> LabHost:
        """By short or full name. Raises LabError for one that is not in this lab."""
        try:
            return self.plan.host(name)
        except StopIteration:
            known = ", ".join(host.name for host in self.hosts[:12])
            raise LabError(f"lab {self.name}: there is no host {name!r}; there are {known}") from None

    @property
    def name_servers(self) -> tuple[str, ...]:
        """IPv4 and IPv6 addresses of the authoritative servers."""
        servers = self.plan.of_role("name server")
        return tuple(address for server in servers for address in (server.ipv4, server.ipv6))

    @property
    def resolver(self) -> str:
        return self.plan.of_role("resolver")[0].ipv4

    @property
    def authority(self) -> Authority:
        return Authority(self.directory / "ca")

    @property
    def root_certificate(self) -> Path:
        return self.directory / "ca" / "root.pem"

    def certificate(self, fqdn: str, also: tuple[str, ...] = ()) -> tuple[Path, Path]:
        """Chain and private key for a name and further ones, issued by the lab's authority when first asked."""
        return self.authority.certificate(fqdn, also)

    def fleet_certificate(self, fqdn: str) -> tuple[Path, Path]:
        """Chain and key by which the hosts of one fleet know each other, of an authority that has no other use."""
        return self.fleet_authority.certificate(fqdn)

    @property
    def fleet_authority(self) -> Authority:
        return Authority(self.directory / "fleet-ca", clients=True)

    def next_certificate(self, fqdn: str) -> tuple[Path, Path]:
        """The same for the key that will be served after it."""
        return self.authority.certificate(fqdn, label=f"{fqdn}.next")

    @property
    def keys(self) -> Keys:
        """DNSSEC, TSIG and DKIM keys of the lab's names; made on first use."""
        return make_keys(self.directory / "names", self.plan)

    def tsig(self, zone: str) -> Tsig:
        """The key that may change an operated zone (RFC 8945). Raises LabError for a zone that takes no updates."""
        if zone not in OPERATED_ZONES:
            raise LabError(f"lab {self.name}: {zone} takes no updates; {', '.join(OPERATED_ZONES)} do")
        return self.keys.tsig(zone)

    def ssh(self, host: str | LabHost) -> list[str]:
        """The ssh(1) call for a host; a remote command may be appended."""
        target = self._resolve(host)
        return remote.ssh_command(target.ssh_user, target.ipv4, self.ssh_key, self.known_hosts)

    def run(
        self,
        host: str | LabHost,
        command: str,
        input: str | None = None,
        timeout: float = 60,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Runs a shell command as root. Raises LabError when it fails (unless `check` is off) or takes too long."""
        target = self._resolve(host)
        call = [*self.ssh(target), remote.as_root(target.ssh_user, command)]
        try:
            # Without input, an empty one: ssh would otherwise read the terminal of whoever runs this.
            ran = subprocess.run(call, input=input or "", capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            raise LabError(f"{target.fqdn}: `{command}` takes more than {timeout:.0f} s") from None
        if check and ran.returncode != 0:
            said = (ran.stderr or ran.stdout).strip()
            raise LabError(f"{target.fqdn}: `{command}` ended with {ran.returncode}: {said}")
        return ran

    def namespace_exec(self, host: str | LabHost, argv: Iterable[str]) -> list[str]:
        """The command line that runs a program of this machine with the network of a host."""
        return ["ip", "netns", "exec", self.plan.namespace(self._resolve(host).name), *argv]

    def alive(self, host: str | LabHost) -> bool:
        """Whether the host's PID 1 runs; says nothing about its services."""
        return self.machine(self._resolve(host)).alive()

    def healthy(self, host: str | LabHost) -> bool:
        """Whether it runs, has answered since, its wire is plugged in, and its packages are the current ones."""
        target = self._resolve(host)
        seen = self.ready(target).read_text() if self.ready(target).exists() else ""
        current = seen == str(repository_path(target.release))
        return current and self.alive(target) and network.plugged_in(self.plan, target)

    def wait_for_login(self, target: LabHost) -> None:
        """Until its user can log in: sshd greets earlier, but pam_nologin(8) refuses all but root during boot."""
        remote.wait_for_ssh(target.fqdn, target.ipv4, SSH_SECONDS)
        deadline = time.monotonic() + SSH_SECONDS
        while target.ssh_user != "root" and self.run(target, "true", check=False).returncode != 0:
            if time.monotonic() > deadline:
                raise LabError(f"{target.fqdn}: {target.ssh_user} cannot log in; its console.log says why")
            time.sleep(remote.RETRY_SECONDS)

    def set_ready(self, target: LabHost) -> None:
        self.ready(target).write_text(str(repository_path(target.release)))

    def power_on(self, host: str | LabHost) -> None:
        """Boots a host that is off and waits for SSH."""
        target = self._resolve(host)
        self.switch_on(target)
        self.wait_for_login(target)
        self.set_ready(target)

    def power_off(self, host: str | LabHost) -> None:
        """An orderly shutdown, complete when this returns."""
        target = self._resolve(host)
        self.hang_up(target)
        self.machine(target).power_off()

    def kill(self, host: str | LabHost) -> None:
        """Pulls the plug: every process of the host is gone when this returns; its disk stays as it is."""
        target = self._resolve(host)
        self.machine(target).kill()
        self.hang_up(target)

    def reset(self, host: str | LabHost) -> None:
        """Puts a host back to how `up` first booted it, with the same SSH host key, and waits for SSH."""
        target = self._resolve(host)
        self.kill(target)
        self.disk(target).wipe()
        self.power_on(target)

    def clone(self, source: str, target: str) -> None:
        """Makes a bare host's disk that of another host of its release, as it is now, and boots it; does not wait.

        Name, addresses, SSH host key, machine-id and signing keys are the clone's own. The source has to stay off
        meanwhile and afterwards: its layer lies below that of the clone.
        """
        original, copy = self.host(source), self.host(target)
        if original.release != copy.release:
            raise LabError(f"{copy.fqdn}: is to be {copy.release}, and {original.fqdn} is {original.release}")
        if self.alive(original):
            raise LabError(f"{original.fqdn}: is up; power it off before it is cloned")
        self.machine(copy).kill()
        self.disk(copy).wipe()
        self._place(copy).mkdir(parents=True, exist_ok=True)
        self._source(copy).write_text(original.name)
        self.switch_on(copy)

    @property
    def acme_directory(self) -> str:
        """Where the lab's ACME server is."""
        return f"https://{self.plan.of_role('resolver')[0].fqdn}:{PORT}/dir"

    def acme_tsig(self, zone: str) -> Tsig:
        """The key that may write the proofs of an operated zone (`_acme-challenge`) and nothing else."""
        return self.keys.tsig(acme_key(zone))

    def acme_root(self) -> str:
        """The root (PEM) below which the ACME server issues since its last start."""
        return self.run(self.plan.of_role("resolver")[0], ACME_ROOT).stdout

    # What `up` and `down` are made of.

    def switch_on(self, target: LabHost) -> None:
        """Mounts, writes the host's files if its disk is fresh, plugs it in and boots; does not wait."""
        self.machine(target).kill()
        self.ready(target).unlink(missing_ok=True)
        disk = self.disk(target)
        disk.mount()
        if not disk.is_prepared():
            self._prepare(target, disk)
        network.plug_in(self.plan, target)
        self.machine(target).power_on(disk.root, {repository_path(target.release): MOUNTED_AT})

    def _prepare(self, target: LabHost, disk: Disk) -> None:
        if disk.source:
            forget_source(disk.root)
        bundle = disk.lower / "etc/ssl/certs/ca-certificates.crt"
        write_tree(disk.root, identity(self.plan, target, self._public_key(), self._host_key(target)))
        write_tree(disk.root, trusting(self.root_certificate, bundle))
        write_tree(disk.root, role_tree(self.plan, target, self.keys, self.authority))
        disk.set_prepared()

    def machine(self, target: LabHost) -> Machine:
        return Machine(self.plan.bridge, target.name, self._place(target), self.plan.namespace(target.name))

    def disk(self, target: LabHost) -> Disk:
        named = self._source(target)
        source = self._place(self.host(named.read_text())) / "layer" / "upper" if named.exists() else None
        lower = tree_path(target.release, target.image)
        return Disk(self._place(target), lower, durable=target.role == "mail" or bool(source), source=source)

    def ready(self, target: LabHost) -> Path:
        """Exists once the host has answered since it was switched on; names the repository it was given."""
        return self._place(target) / "ready"

    def hang_up(self, target: LabHost) -> None:
        remote.hang_up(self.ssh(target), target.ssh_user, target.ipv4)

    def make_keys(self) -> None:
        """The lab's SSH key, the hosts' keys and the authority: once, before hosts are prepared side by side."""
        self._public_key()
        _ = self.authority, self.keys
        lines = []
        for host in self.hosts:
            kind, key = ssh_key(self._host_key(host), host.fqdn).split()[:2]
            lines.append(f"{host.name},{host.fqdn},{host.ipv4},{host.ipv6} {kind} {key}\n")
        self.known_hosts.parent.mkdir(parents=True, exist_ok=True)
        self.known_hosts.write_text("".join(lines))

    def _public_key(self) -> str:
        return ssh_key(self.ssh_key, f"ironpost lab {self.name}")

    def _host_key(self, target: LabHost) -> Path:
        return self.directory / "ssh" / "hosts" / target.name

    def _source(self, target: LabHost) -> Path:
        """Names the host that this one is a clone of, where it is one."""
        return self._place(target) / "clone-of"

    def _place(self, target: LabHost) -> Path:
        return self.directory / "hosts" / target.name

    def _resolve(self, host: str | LabHost) -> LabHost:
        return self.host(host) if isinstance(host, str) else host


def forget_source(root: Path) -> None:
    """What no two hosts may share: the machine-id (machine-id(5): a new one at the first boot) and signing keys."""
    (root / "etc/machine-id").write_text("uninitialized\n")
    for key in (root / "var/lib/rspamd/dkim").glob("*"):
        key.unlink()
