"""One host's way through a deploy: its parts, the generation made of them, and the last look at the host."""

from __future__ import annotations

import dataclasses
import functools
import getpass
import json
import platform
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyinfra.api.host import Host

from ironpost import __version__
from ironpost.component import Component
from ironpost.facts.survey import SCRIPT, Survey, parse, words_for
from ironpost.generation import Generation, compose
from ironpost.mailhost import MailHost
from ironpost.operations.link import call


@dataclasses.dataclass
class Run:
    """What is known of one host in this run. A survey is kept until something has changed."""

    host: Host
    parts: list[Callable[..., Component]] = dataclasses.field(default_factory=list)
    told: bool = False
    _generation: Generation | None = None
    _manifest: dict[str, Any] | None = None
    _survey: Survey | None = None

    @property
    def mailhost(self) -> MailHost:
        mailhost: MailHost = self.host.data.mailhost
        return mailhost

    @property
    def generation(self) -> Generation:
        if self._generation is None:
            self._generation = compose(self.mailhost, self.parts)
        return self._generation

    @property
    def manifest(self) -> dict[str, Any]:
        if self._manifest is None:
            self._manifest = self.generation.manifest(meta(self.mailhost))
        return self._manifest

    def survey(self) -> Survey:
        """The host as it is; one command, asked again only after a change."""
        if self._survey is None:
            answer = call(self.host, SCRIPT, *words_for(self.mailhost), stdin=json.dumps(self.manifest))
            self._survey = parse(list(answer.or_refuse().stdout), self.manifest)
        return self._survey

    def changed(self) -> None:
        self._survey = None


RUNS: dict[str, Run] = {}


def run_of(host: Host) -> Run:
    """The run of the host that pyinfra is working on."""
    run = RUNS.setdefault(host.name, Run(host))
    run.host = host
    return run


def meta(mailhost: MailHost) -> dict[str, Any]:
    """Who changes what, for the log on the host and for the people who read it later."""
    return {
        "tool": __version__,
        "who": f"{getpass.getuser()}@{platform.node()}",
        "commit": commit_of(mailhost.file("")),
    }


@functools.cache
def commit_of(directory: Path) -> str:
    """Of the inventory's folder, with a word when something in it is not committed; asked once for all its hosts."""
    commit = git(directory, "rev-parse", "--short", "HEAD")
    dirty = bool(commit and git(directory, "status", "--porcelain", "--", "."))
    return (commit + ("+changes" if dirty else "")) or "none"


def git(directory: Any, *words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(directory), *words], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
