"""What a rollout has done so far, on disk after every step, so that it can be gone on with."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from ironpost import __version__
from ironpost.errors import IronpostError

SCHEMA = 1


class RecordError(IronpostError):
    """The record of an earlier rollout cannot be used."""


@dataclasses.dataclass
class Record:
    """`hosts`: name → {state, digest, wave}; states are pending, changing, green, failed, undone."""

    path: Path
    inventory: str
    hosts: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    outcome: str = "running"
    started: str = ""

    def set(self, name: str, **facts: Any) -> None:
        self.hosts.setdefault(name, {}).update(facts)
        self.write()

    def is_green(self, name: str, digest: str) -> bool:
        """Whether this host has passed its gate with exactly these settings."""
        host = self.hosts.get(name, {})
        return host.get("state") == "green" and host.get("digest") == digest

    def close(self, outcome: str) -> None:
        self.outcome = outcome
        self.write()

    def write(self) -> None:
        """The old text or the new one, whatever happens in between."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = {"schema": SCHEMA, "tool": {"name": "ironpost", "version": __version__}}
        facts |= {"inventory": self.inventory, "started": self.started, "outcome": self.outcome, "results": self.hosts}
        partial = self.path.with_suffix(".partial")
        with partial.open("w") as file:
            json.dump(facts, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.path)


def state_directory(said: Path | None) -> Path:
    """`--state`, or the user's own (XDG Base Directory Specification)."""
    if said:
        return said
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "ironpost" / "rollouts"


def record_path(inventory: Path, directory: Path) -> Path:
    whole = str(inventory.resolve())
    return directory / f"{inventory.stem}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}.json"


def new_record(inventory: Path, directory: Path) -> Record:
    started = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return Record(record_path(inventory, directory), str(inventory), started=started)


def read_record(inventory: Path, directory: Path) -> Record:
    """The record of the last rollout of this inventory. Raises RecordError when there is none, or a newer one."""
    path = record_path(inventory, directory)
    try:
        facts = json.loads(path.read_text())
    except OSError:
        raise RecordError(f"{path.name}: no rollout of {inventory.name} to go on with; leave --resume away") from None
    except ValueError:
        raise RecordError(f"{path.name}: is not readable; remove it, and run without --resume") from None
    if facts["schema"] > SCHEMA:
        raise RecordError(f"{path.name}: has schema {facts['schema']}; use the ironpost that wrote it")
    return Record(path, facts["inventory"], facts["results"], "running", facts["started"])


def digest_of(manifest: dict[str, Any]) -> str:
    """Names what a host should be, whoever asks for it and when."""
    kept = {key: value for key, value in manifest.items() if key != "meta"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
