"""A host as it is, compared with the generation that it should have."""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import time
from pathlib import Path
from typing import Any

from ironpost.mailhost import MailHost

SCRIPT = (Path(__file__).parent / "survey.sh").read_text()
ALIEN_MAIL = ("exim4-daemon-light", "exim4-daemon-heavy", "sendmail-bin", "opensmtpd", "courier-mta", "qmail")
ALIEN_FIREWALL = ("ufw", "firewalld", "shorewall", "ferm")
# What they are called where they listen.
ALIEN_PROGRAMS = ("exim4", "sendmail-mta", "sendmail", "couriertcpd", "qmail-smtpd")
LEAST_MEMORY_KIB = 900_000
LEAST_DISK_KIB = 1_000_000
MOST_CLOCK_SECONDS = 60
OURS = ("master", "dovecot", "smtpd", "sshd", "systemd", "unbound", "rspamd")
MAIL_PORTS = (25, 465, 587, 993, 995, 110, 143, 4190)


def words_for(mailhost: MailHost) -> tuple[str, ...]:
    """The arguments of survey.sh."""
    return (mailhost.outgoing_check or "", *ALIEN_MAIL, *ALIEN_FIREWALL)


@dataclasses.dataclass(frozen=True)
class Difference:
    """One thing that is not as it should be: a file, package, unit, user, folder, key or rule set."""

    kind: str
    name: str
    why: str


@dataclasses.dataclass(frozen=True)
class Survey:
    """What one look at a host found. `state` is None while nothing of ours was ever in place."""

    facts: dict[str, list[str]]
    state: dict[str, Any] | None
    differences: tuple[Difference, ...]

    def fact(self, name: str) -> str:
        return self.facts.get(name, [""])[0]

    @property
    def firewall_is_ours(self) -> bool:
        return self.fact("firewall") == "ours"

    @property
    def aliens(self) -> tuple[str, ...]:
        """Packages that want to be mail server or firewall here."""
        return tuple(self.facts.get("alien", ()))

    @property
    def is_bare(self) -> bool:
        """No generation was ever confirmed here."""
        return not self.state or not self.state["current"]

    @property
    def missing_packages(self) -> tuple[str, ...]:
        return tuple(difference.name for difference in self.differences if difference.kind == "package")


def parse(lines: list[str], manifest: dict[str, Any]) -> Survey:
    """What survey.sh printed. A host without the program differs in everything."""
    facts: dict[str, list[str]] = {}
    found: dict[str, Any] | None = None
    for line in lines:
        if line.startswith("ironpost\t"):
            _, name, value = line.split("\t", 2)
            facts.setdefault(name, []).append(value)
        elif line.startswith("{"):
            found = json.loads(line)
    if found is None:
        return Survey(facts, None, everything(manifest))
    return Survey(facts, found["state"], tuple(Difference(**row) for row in found["differences"]))


def everything(manifest: dict[str, Any]) -> tuple[Difference, ...]:
    rows = [Difference("package", name, "missing") for name in manifest["packages"]]
    rows += [Difference("file", file["path"], "missing") for file in manifest["files"]]
    rows += [Difference("key", f"of {signer['domain']}", "missing") for signer in manifest["signers"]]
    return tuple(rows + [Difference("unit", unit["name"], "not configured") for unit in manifest["units"]])


def complaints(mailhost: MailHost, survey: Survey) -> list[str]:
    """Why this host must not be changed, each in a sentence; all of them, before anything is touched."""
    told = unfit(mailhost, survey) + locked_out(mailhost, survey) + shut_in(mailhost, survey)
    if survey.is_bare:
        told += waiting_mail(survey) + occupied(mailhost, survey)
        told += [] if mailhost.take_over else owned(survey)
    return told


def unfit(mailhost: MailHost, survey: Survey) -> list[str]:
    told = []
    if survey.fact("uid") != "0":
        told.append("this user may not become root without a password; allow sudo NOPASSWD, or use root")
    if survey.fact("system") != "debian" or survey.fact("release") != mailhost.release:
        found = f"{survey.fact('system')} {survey.fact('release')}"
        told.append(f"this is {found}, the inventory says {mailhost.release}; correct `release`, or the host")
    if survey.fact("init") != "systemd":
        told.append(f"process 1 is {survey.fact('init')}, not systemd; use a host that systemd runs")
    if int(survey.fact("memory_kib") or 0) < LEAST_MEMORY_KIB:
        told.append(f"{survey.fact('memory_kib')} KiB of memory; at least {LEAST_MEMORY_KIB} are needed")
    if survey.is_bare and int(survey.fact("disk_kib") or 0) < LEAST_DISK_KIB:
        told.append(f"{survey.fact('disk_kib')} KiB free below /var; at least {LEAST_DISK_KIB} are needed")
    off = abs(int(survey.fact("clock") or 0) - time.time())
    if off > MOST_CLOCK_SECONDS:
        told.append(f"its clock is {off:.0f} s off; set it right, or certificates and DNSSEC will fail")
    return told


def locked_out(mailhost: MailHost, survey: Survey) -> list[str]:
    """The allowlist must hold the address that this very session comes from."""
    source = survey.fact("ssh_from")
    if not mailhost.allow.ssh or not source:
        return []
    address: Any = ipaddress.ip_address(source.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    if any(address in ipaddress.ip_network(network) for network in mailhost.allow.ssh):
        return []
    return [f"you come from {address}, which is not in allow.ssh; add it, or you would be locked out"]


def shut_in(mailhost: MailHost, survey: Survey) -> list[str]:
    """Whether a new host reaches the port 25 of others, over each kind of address that it is known by."""
    rows = survey.facts.get("outgoing", [])
    if not rows:
        return []
    found = {row.split()[0]: row.split()[1:] for row in rows if row != "asked"}
    if not found:
        return [f"outgoing_check: {mailhost.outgoing_check} has no address here; see the host's resolver, or the name"]
    return [
        f"outgoing port 25 over IPv{version} seems blocked (no greeting from {found[version][0]}); "
        f"ask the provider to open it, or name the addresses without ipv{version}"
        for version, ours in (("4", mailhost.ipv4), ("6", mailhost.ipv6))
        if ours and version in found and found[version][1:] != ["220"]
    ]


def waiting_mail(survey: Survey) -> list[str]:
    """Letters that another mail server has taken and not delivered: nobody else would."""
    rows = [row.split() for row in survey.facts.get("queued", [])]
    return [f"{queue} holds {count} messages; deliver or remove them, or they are lost" for queue, count in rows]


def occupied(mailhost: MailHost, survey: Survey) -> list[str]:
    """What listens on the ports of mail; that of a package which is taken over goes with it."""
    told = []
    ours = OURS + ALIEN_PROGRAMS if mailhost.take_over and survey.aliens else OURS
    for row in survey.facts.get("listener", []):
        local, _, who = row.partition(" ")
        port = int(local.rpartition(":")[2])
        if port in MAIL_PORTS and not any(f'"{name}"' in who for name in ours):
            told.append(f"something listens on {local} ({who or 'unknown'}); stop it")
    return told


def owned(survey: Survey) -> list[str]:
    """What is somebody's already, and would be replaced: only when the operator says so."""
    told = []
    for package in survey.aliens:
        what = "a firewall" if package in ALIEN_FIREWALL else "a mail server"
        told.append(f"{package} is installed, {what} of its own; remove it, or say take_over=True to have it purged")
    if survey.fact("cloud"):
        told.append("cloud-init writes the host name and /etc/hosts at each boot; disable it, or say take_over=True")
    if survey.fact("resolver"):
        told.append(f"/etc/resolv.conf is a link to {survey.fact('resolver')}; make it a file, or say take_over=True")
    told += [
        f"{path} was written by somebody; remove it, or say take_over=True (generation 0 keeps a copy)"
        for path in survey.facts.get("configured", [])
    ]
    return told
