"""The operations of a deploy, in their order. Each is a step that can be seen; one host's trouble stays its own."""

from __future__ import annotations

import base64
import collections
import difflib
import functools
import json
from collections.abc import Callable, Generator
from typing import Any

from pyinfra import logger
from pyinfra.api.command import FunctionCommand
from pyinfra.api.host import Host
from pyinfra.api.operation import operation
from pyinfra.api.state import State
from pyinfra.context import host, state

from ironpost.component import Component
from ironpost.errors import HostError, IronpostError
from ironpost.facts.survey import Survey, complaints
from ironpost.generation import PROGRAM_ON_HOST, SWITCH_STEP, archive
from ironpost.operations import steps
from ironpost.operations.link import call
from ironpost.operations.run import Run, run_of

Commands = Generator[FunctionCommand, None, None]


def provision(part: Callable[..., Component]) -> None:
    """Makes a component part of this host."""
    run_of(host).parts.append(part)


def settle() -> None:
    """Brings the host from where it is to the generation made of its parts, or leaves it as it was."""
    preflight(name="Preflight: may this host be changed?")
    close_firewall(name="Firewall: closed, except for SSH")
    take_over(name="Take over what others left")
    install_packages(name="Packages, services held back")
    stage_generation(name="Stage the generation and have it checked")
    switch_generation(name=SWITCH_STEP)


def contained(commands: Callable[[Run], Commands]) -> Callable[[], Commands]:
    """An operation whose trouble is one sentence and one failed host; an exception would end the whole fleet's run."""

    @functools.wraps(commands)
    def guarded() -> Commands:
        run = run_of(host)
        try:
            yield from commands(run)
        except IronpostError as error:
            yield FunctionCommand(refuse, (str(error),), {})
        except Exception as error:  # a fault of ours on one host must not stop the others
            yield FunctionCommand(refuse, (f"{type(error).__name__}: {error}; this is a fault of ironpost's",), {})

    # pyinfra calls an operation by its own signature, which is the empty one of `guarded`
    del guarded.__wrapped__
    return guarded


def step(work: Callable[..., list[str]], *arguments: Any) -> FunctionCommand:
    """A change: does the work, tells what was done, and forgets what was known of the host."""

    def done(state: State, host: Host) -> bool:
        run = run_of(host)
        try:
            lines = work(run, *arguments)
        except IronpostError as error:
            return refuse(state, host, str(error))
        finally:
            run.changed()
        tell(host, lines)
        return True

    return FunctionCommand(done, (), {})


def refuse(state: State, host: Host, text: str) -> bool:
    for line in text.splitlines():
        logger.error(f"{host.print_prefix}{line}")
    return False


def tell(host: Host, lines: list[str]) -> None:
    for line in lines:
        logger.info(f"{host.print_prefix}{line}")


@operation()
@contained
def preflight(run: Run) -> Commands:
    """Reads the host once; what forbids a change is told in full, before anything is touched."""
    told = complaints(run.mailhost, run.survey())
    if told:
        raise HostError("\n".join(f"{run.mailhost.name}: {complaint}" for complaint in told))
    yield from ()


@operation()
@contained
def close_firewall(run: Run) -> Commands:
    """On a host that has no firewall of ours: closed before anything is installed that could listen."""
    if not run.survey().firewall_is_ours:
        yield step(steps.close_firewall)


@operation()
@contained
def take_over(run: Run) -> Commands:
    """On a host that has nothing of ours yet and whose operator says so: other mail servers and firewalls go."""
    survey = run.survey()
    if run.mailhost.take_over and survey.is_bare and survey.aliens:
        yield step(steps.take_over, survey.aliens)


@operation()
@contained
def install_packages(run: Run) -> Commands:
    """All packages of all components in one command."""
    missing = run.survey().missing_packages
    if missing or run.survey().fact("halfway").strip():
        yield step(steps.install, missing)


@operation()
@contained
def stage_generation(run: Run) -> Commands:
    """Sends the whole tree, and has each program check its part as if it stood there."""
    await_settled(run)
    differences = [difference for difference in run.survey().differences if difference.kind != "package"]
    if not run.told:
        run.told = True
        tell(run.host, summary(run.survey()))
        show_diffs(run)
    if differences:
        manifest = run.manifest
        yield step(steps.stage, base64.encodebytes(archive(run.generation, manifest)).decode())


@operation()
@contained
def switch_generation(run: Run) -> Commands:
    """Only what was staged in this run is switched to."""
    if [difference for difference in run.survey().differences if difference.kind != "package"]:
        yield step(steps.switch)
        yield step(steps.confirm)


def summary(survey: Survey) -> list[str]:
    """Each difference with its reason; of a host that has nothing of ours yet, only numbers unless this is a plan."""
    if survey.state is None and state.is_executing:
        counts = collections.Counter(found.kind for found in survey.differences)
        return ["a new host: " + ", ".join(f"{count} {kind}s" for kind, count in counts.items())]
    return [f"{found.kind} {found.name}: {found.why}" for found in survey.differences]


def await_settled(run: Run) -> None:
    """A change that an earlier run left unconfirmed is confirmed by this one: it came in over a new connection."""
    found = run.survey().state
    if found and found["phase"] != "settled" and state.is_executing:
        steps.confirm(run)
        run.changed()


def show_diffs(run: Run) -> None:
    """Under --diff, unified diffs of files without secrets."""
    changed = {found.name: found.why for found in run.survey().differences if found.kind == "file"}
    if not state.config.DIFF or not changed:
        return
    plain = [file for file in run.generation.files if file.path in changed and not file.is_secret and not file.link]
    asked = json.dumps([file.path for file in plain])
    command = f"[ ! -d {PROGRAM_ON_HOST} ] && echo '{{}}' && exit; python3 -B {PROGRAM_ON_HOST} show"
    answer = call(run.host, command, stdin=asked).or_refuse()
    before: dict[str, str] = json.loads(answer.stdout[-1])
    for file in plain:
        old, new = before.get(file.path, "").splitlines(), str(file.content).splitlines()
        tell(run.host, list(difflib.unified_diff(old, new, f"{file.path} (host)", f"{file.path} (new)", lineterm="")))
