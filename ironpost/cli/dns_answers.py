"""How `ironpost dns` tells what it found: on the screen, as JSON, as files, and by its exit status."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from ironpost.cli import Exit
from ironpost.cli.answer import write_answer
from ironpost.dns.check import Sight
from ironpost.dns.desired import desired
from ironpost.dns.octodns import write_octodns
from ironpost.dns.requests import Request, request_lines
from ironpost.dns.shown import by_hand_json, plan_json, plan_lines, request_json, sight_json
from ironpost.dns.survey import Survey
from ironpost.dns.zonefile import zone_file_lines

SCHEMA = 1


def judged(
    found: Survey,
    unread: list[str],
    sights: list[Sight],
    lacking: list[tuple[Request, str]],
    json_path: str | None,
    quiet: bool,
) -> Exit:
    """Tells what was seen, and the exit status that it deserves."""
    errors = [*found.errors, *found.silent, *(each.error for each in found.by_hand if each.error), *unread]
    rows = [sight_json(each) for each in sights] + [request_json(*each) for each in lacking]
    write_json(json_path, rows, errors)
    lines = [each.sentence() for each in sights if each.state != "right"]
    lines += [line for each in lacking for line in request_lines(*each)]
    if quiet or json_path == "-":
        complain([*lines, *errors])
    else:
        click.echo("\n".join([*(each.sentence() for each in sights if each.state == "right"), *lines, *errors]))
    states = {each.state for each in sights}
    if found.errors or lacking or "wrong" in states:
        return Exit.FOUND
    return Exit.UNVERIFIED if errors or states - {"right"} else Exit.DONE


def exported(found: Survey, unread: list[str], out: Path | None) -> None:
    """All that is wanted in a form that others read; exits 4 when a value or a zone could not be read."""
    zones = desired(found)
    if out is None:
        click.echo("\n\n".join("\n".join(zone_file_lines(zone, places)) for zone, places in zones.items()))
    else:
        for path in write_octodns(out, zones):
            click.echo(str(path))
    complain([*found.errors, *found.silent, *unread])
    if found.errors:
        sys.exit(Exit.FOUND)
    sys.exit(Exit.UNVERIFIED if unread or found.silent else Exit.DONE)


def told(
    found: Survey, unread: list[str], json_path: str | None, quiet: bool, lacking: list[tuple[Request, str]]
) -> None:
    """The plan on the screen, and as JSON where that is asked for; errors in any case."""
    errors = [*found.errors, *found.silent, *unread]
    rows = [plan_json(each) for each in found.plans] + [by_hand_json(each) for each in found.by_hand]
    write_json(json_path, rows, errors, [request_json(*each) for each in lacking])
    if quiet or json_path == "-":
        complain(errors)
    else:
        click.echo("\n".join(plan_lines(found, unread, lacking)))


def complain(sentences: list[str]) -> None:
    for sentence in dict.fromkeys(sentences):
        click.echo(sentence, err=True)


def write_json(
    path: str | None, results: list[dict[str, Any]], errors: list[str], asked_for: list[dict[str, Any]] | None = None
) -> None:
    requests = {} if asked_for is None else {"requests": asked_for}
    write_answer(path, SCHEMA, results, errors=errors, **requests)
