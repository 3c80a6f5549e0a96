"""A mail host as it is configured and running, read on the host itself in one visit."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import json
import re
from collections.abc import Mapping
from typing import Any

from ironpost.evidence import NotCollectedError

SCHEMA = 1
REFERENCE = re.compile(r"\$(?:\((\w+)\)|\{(\w+)\}|(\w+))")


@dataclasses.dataclass(frozen=True)
class Listener:
    """A listening socket: protocol tcp or udp, address as ss(8) shows it, and the programs that hold it."""

    protocol: str
    address: str
    port: int
    programs: frozenset[str]

    @property
    def is_loopback(self) -> bool:
        bare = self.address.strip("[]").partition("%")[0]
        return bare.startswith(("127.", "::ffff:127.")) or bare == "::1"


@dataclasses.dataclass(frozen=True)
class Postfix:
    """Effective settings: of main.cf, and of each service with its `-o` overrides from master.cf."""

    main: Mapping[str, str]
    services: Mapping[str, str]
    overrides: Mapping[str, Mapping[str, str]]
    tls_config: Mapping[str, Any]
    # A hundred controls ask for the same few services, of a thousand parameters each.
    _expanded: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict, repr=False, compare=False)

    def value(self, name: str) -> str:
        """A parameter of main.cf; unset ones have their default. Raises NotCollectedError for an unknown name."""
        if name not in self.main:
            raise NotCollectedError(f"postconf shows no {name}")
        return self.main[name]

    def service(self, name: str) -> dict[str, str]:
        """All parameters as that service (`smtp/inet`) uses them. Raises NotCollectedError when there is none."""
        if name not in self.services:
            raise NotCollectedError(f"master.cf has no service {name}", name)
        if name not in self._expanded:
            settings = dict(self.main) | dict(self.overrides.get(name, {}))
            self._expanded[name] = {key: expanded(value, settings) for key, value in settings.items()}
        return dict(self._expanded[name])

    @property
    def smtpd_services(self) -> tuple[str, ...]:
        """The services that take mail from the network."""
        return tuple(name for name, command in self.services.items() if command == "smtpd" and name.endswith("/inet"))


def expanded(value: str, settings: Mapping[str, str], depth: int = 5) -> str:
    """postconf -x leaves references in overrides where the parameter is user-defined; they are looked up here."""
    for _ in range(depth):
        replaced = REFERENCE.sub(lambda found: settings.get(next(filter(None, found.groups())), found[0]), value)
        if replaced == value:
            break
        value = replaced
    return value


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """What compliance/programs/snapshot.py printed, as accessors; each raises NotCollectedError for its own part."""

    raw: Mapping[str, Any]

    def text(self, *path: str) -> str:
        """The output of one command."""
        found: Any = self.raw
        for step in path:
            found = found.get(step, {}) if isinstance(found, dict) else {}
        if isinstance(found, str):
            return found
        if "text" not in found:
            raise NotCollectedError(str(found.get("error", f"the snapshot holds no {'/'.join(path)}")), path[0])
        return str(found["text"])

    @property
    def taken(self) -> datetime.datetime:
        """When it was collected: controls compare dates with this and not with the clock, so that verdicts stay."""
        if "taken" not in self.raw:
            raise NotCollectedError("the evidence does not say when it was collected")
        return datetime.datetime.fromisoformat(str(self.raw["taken"]))

    @property
    def release(self) -> str:
        return str(self.raw["release"])

    @property
    def container(self) -> str:
        """What the host is contained in (systemd-nspawn, lxc); empty for a host with a kernel of its own."""
        return self._place("container")

    @property
    def in_test_network(self) -> bool:
        """Whether this is a host of the lab."""
        return self._place("test network") == "yes"

    def _place(self, name: str) -> str:
        place = self.raw.get("place")
        found = place.get(name) if isinstance(place, dict) else None
        return found if isinstance(found, str) else ""

    @functools.cached_property
    def postfix(self) -> Postfix:
        overrides: dict[str, dict[str, str]] = {}
        for key, value in assignments(self.text("postfix", "overrides")):
            service, _, name = key.rpartition("/")
            overrides.setdefault(service, {})[name] = value
        rows = (line.split() for line in self.text("postfix", "services").splitlines() if line.strip())
        services = {f"{row[0]}/{row[1]}": row[7] for row in rows}
        main = dict(assignments(self.text("postfix", "main")))
        return Postfix(main, services, overrides, self.raw["postfix"].get("tls_config", {}))

    @functools.cached_property
    def dovecot(self) -> dict[str, str]:
        """What differs from the defaults: `block name/block name/setting` → value (doveconf -n)."""
        settings: dict[str, str] = {}
        blocks: list[str] = []
        for line in self.text("dovecot").splitlines():
            stripped = line.strip()
            if stripped.endswith("{"):
                blocks.append(stripped[:-1].strip())
                settings["/".join(blocks)] = ""
            elif stripped == "}":
                blocks.pop()
            elif " = " in stripped or stripped.endswith(" ="):
                name, _, value = stripped.partition(" =")
                settings["/".join((*blocks, name))] = value.strip()
        return settings

    def rspamd(self, module: str) -> dict[str, Any]:
        """The settings of a module as rspamd reads them (rspamadm configdump)."""
        text = self.text("rspamd", module)
        try:
            found: dict[str, Any] = json.loads(text) if text.strip() else {}
        except ValueError:
            raise NotCollectedError(f"rspamadm configdump {module} is not JSON") from None
        return found

    @functools.cached_property
    def nftables(self) -> list[dict[str, Any]]:
        """The rules that the kernel has, as `nft -j list ruleset` shows them."""
        found: list[dict[str, Any]] = json.loads(self.text("nftables"))["nftables"]
        return found

    @functools.cached_property
    def listeners(self) -> tuple[Listener, ...]:
        found = []
        for line in self.text("listeners").splitlines():
            protocol, _, _, _, local, *rest = line.split()
            address, _, port = local.rpartition(":")
            programs = frozenset(re.findall(r'\("([^"]+)",pid', " ".join(rest)))
            found.append(Listener(protocol, address, int(port), programs))
        return tuple(found)

    def tls_files(self, program: str) -> list[dict[str, Any]]:
        """Files with certificates (PEM) or a private key (its public half in DER, base64) of `postfix` or `dovecot`."""
        found: list[dict[str, Any]] = self.raw.get("tls_files", {}).get(program, [])
        for file in found:
            if "error" in file:
                raise NotCollectedError(str(file["error"]))
        return found

    @property
    def dkim_keys(self) -> list[dict[str, Any]]:
        """{path, access, kind, public}; `public` in base64: DER for rsa, 32 bytes for ed25519."""
        found: list[dict[str, Any]] = self.raw.get("dkim_keys", [])
        return found

    @property
    def old_signature(self) -> list[str]:
        """What the running rspamd finds in a stranger's letter that is signed by rsa-sha1: names of symbols."""
        found = self.raw.get("old_signature", {})
        if not isinstance(found, dict) or not isinstance(found.get("symbols"), list):
            raise NotCollectedError(
                str(found.get("error", "rspamd was not asked")) if found else "rspamd was not asked"
            )
        symbols: list[str] = found["symbols"]
        return symbols

    @property
    def passwords(self) -> list[dict[str, Any]]:
        """{user, scheme, kind, cost: {m, t, p}, salt: digest}."""
        found = self.raw.get("passwords", {})
        if "rows" not in found:
            raise NotCollectedError(str(found.get("error", "no passwd-file was read")), "passwords")
        rows: list[dict[str, Any]] = found["rows"]
        return rows

    def mail_access(self, path: str) -> dict[str, Any] | None:
        """{mode, uid, gid, acl} of a file or socket of the mail programs; None where there is none."""
        found = self.raw.get("mail_access", {})
        if path not in found:
            raise NotCollectedError(f"the snapshot does not say who may use {path}")
        seen: dict[str, Any] | None = found[path]
        return seen

    @property
    def stores(self) -> dict[str, dict[str, Any]]:
        """`files`: path → settings, of each that names a directory or database; `access` to those that hold logins."""
        found: dict[str, dict[str, Any]] = self.raw.get("stores", {})
        if "files" not in found:
            raise NotCollectedError(str(found.get("error", "the snapshot does not say who else is asked for accounts")))
        return found

    @property
    def tokens(self) -> dict[str, Any]:
        """`units`; where tokens are checked also `providers`, `status`, and `forged`: {what, answer} of each try."""
        found: dict[str, Any] = self.raw.get("tokens", {})
        if "units" not in found or "error" in found:
            raise NotCollectedError(str(found.get("error", "the snapshot does not say who checks tokens")))
        return found

    @property
    def forwarding(self) -> dict[str, Any]:
        """Where mail is sent on to, and how; the shapes stand in compliance/programs/snap/forwarding.py."""
        found: dict[str, Any] = self.raw.get("forwarding", {})
        if "rules" not in found:
            raise NotCollectedError("the snapshot does not say what is forwarded", "forwarding")
        return found

    def relaying(self, name: str) -> dict[str, str]:
        """A table of machines that relay: key → restriction class."""
        tables = self.raw.get("postfix", {}).get("relaying")
        if tables is None or name not in tables:
            raise NotCollectedError(f"the snapshot does not hold {name}")
        found: dict[str, str] = tables[name]
        return found

    @functools.cached_property
    def packages(self) -> dict[str, str]:
        rows = (line.split("\t") for line in self.text("packages").splitlines())
        return {row[0]: row[1] for row in rows if len(row) == 2 and row[1]}

    def sysctl(self, name: str) -> str:
        return self.text("sysctls", name).strip()


def assignments(text: str) -> list[tuple[str, str]]:
    """Lines of `name = value`, as postconf prints them."""
    rows = (line.partition(" =") for line in text.splitlines() if " =" in line)
    return [(name.strip(), value.strip()) for name, _, value in rows]
