"""`ironpost dns`: what the zones lack, its publication, and whether they still hold it."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from ironpost.cli import Exit
from ironpost.cli.dns_answers import complain, exported, judged, told, write_json
from ironpost.dns.apply import apply as carry_out
from ironpost.dns.apply import planned
from ironpost.dns.check import check as looked_up
from ironpost.dns.plan import Decisions, unfit
from ironpost.dns.publish import unusable_keys
from ironpost.dns.registry import Rule
from ironpost.dns.requests import requests, unmet
from ironpost.dns.resolver import resolvers
from ironpost.dns.shown import outcome_json, plan_lines
from ironpost.dns.survey import survey
from ironpost.dns.wanted import wanted
from ironpost.errors import DnsError
from ironpost.inventory import read_inventory
from ironpost.tls.issue import certify, register, remember

SCHEMA = 1
AGAIN_SECONDS = 2.0

INVENTORY = click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
LIMIT = click.option("--limit", multiple=True, metavar="NAME", help="Only this mail host or domain; repeatable.")
JSON = click.option("--json", "json_path", metavar="PATH|-", help="Also write the answer as JSON.")
QUIET = click.option("--quiet", is_flag=True, help="Print nothing but errors.")
PLACE: dict[str, Any] = {"multiple": True, "metavar": "NAME/TYPE"}
ADOPT = click.option("--adopt", help="Replace what somebody else published here; it is ours from now on.", **PLACE)
MERGE = click.option("--merge", help="Keep their SPF terms and add ours.", **PLACE)
KEEP = click.option("--keep", help="Leave what stands here alone, for good.", **PLACE)


@click.group()
def dns() -> None:
    """Plan, publish and check the DNS records of the mail hosts and their domains.

    \b
    Example:
      ironpost dns plan inventories/prod.py
      ironpost dns apply inventories/prod.py
      ironpost dns check inventories/prod.py
    """


@dns.command()
@INVENTORY
@LIMIT
@JSON
@QUIET
@ADOPT
@MERGE
@KEEP
@click.option("--exit-code", is_flag=True, help="Exit 3 when changes are pending.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "zone", "octodns"]),
    default="text",
    help="zone: all that is wanted, to paste; octodns: a folder for octoDNS, with --out.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Where octodns is written."
)
def plan(
    inventory: Path,
    limit: tuple[str, ...],
    json_path: str | None,
    quiet: bool,
    adopt: tuple[str, ...],
    merge: tuple[str, ...],
    keep: tuple[str, ...],
    exit_code: bool,
    form: str,
    out: Path | None,
) -> None:
    """Show what the zones lack or have wrong, as a diff with the reason of each record. Changes nothing.

    \b
    Example:
      ironpost dns plan inventories/prod.py --exit-code
      ironpost dns plan inventories/prod.py --format zone
      ironpost dns plan inventories/prod.py --format octodns --out octodns
    """
    if (form == "octodns") != (out is not None):
        raise click.UsageError("--format octodns and --out DIR belong together")
    decisions = decided(adopt, merge, keep)
    fleet = read_inventory(inventory)
    scopes, unread = wanted(fleet, limit)
    asked = resolvers(fleet.resolvers)
    found = survey(scopes, decisions, asked=asked)
    found.errors += unusable_keys(found.plans)
    if form != "text":
        exported(found, unread, out)
    lacking = unmet(requests(fleet.mailhosts, limit), asked)
    told(found, unread, json_path, quiet, lacking)
    wrong = [] if found.errors or found.silent else unfit(decisions, tuple(found.plans))
    if wrong:
        raise DnsError("\n".join(wrong))
    pending = any(each.pending or each.conflicts or each.due for each in found.plans)
    if found.errors or any(each.faults for each in found.plans):
        sys.exit(Exit.FOUND)
    if pending and exit_code:
        sys.exit(Exit.PENDING)
    sys.exit(Exit.UNVERIFIED if found.silent or unread else Exit.DONE)


@dns.command()
@INVENTORY
@LIMIT
@JSON
@QUIET
@ADOPT
@MERGE
@KEEP
@click.option("--insist", is_flag=True, help="Also when more than 30 % of the owned records change.")
def apply(
    inventory: Path,
    limit: tuple[str, ...],
    json_path: str | None,
    quiet: bool,
    adopt: tuple[str, ...],
    merge: tuple[str, ...],
    keep: tuple[str, ...],
    insist: bool,
) -> None:
    """Publish what the plan shows, and read it back from every name server. MX last, once the host has answered.

    \b
    Example:
      ironpost dns apply inventories/prod.py
      ironpost dns apply inventories/prod.py --merge example.org/TXT
    """
    fleet = read_inventory(inventory)
    decisions = decided(adopt, merge, keep)
    lost = register(each for each in fleet.mailhosts if not limit or {each.name, *each.domain_names} & set(limit))
    scopes, unread = wanted(fleet, limit)
    unread += lost
    found = planned(scopes, decisions, insist, resolvers(fleet.resolvers))
    silent = quiet or json_path == "-"
    if not silent:
        click.echo("\n".join(plan_lines(found, unread)))
    outcomes = carry_out(fleet, found, decisions, (lambda _: None) if silent else click.echo, certify, remember)
    write_json(json_path, [outcome_json(each) for each in outcomes], [*found.errors, *found.silent, *unread])
    errors = [each.sentence() for each in outcomes if each.error or each.held or each.plan.conflicts]
    if silent:
        complain([*errors, *found.errors, *found.silent, *unread])
    if found.errors or any(each.plan.conflicts or ((each.error or each.held) and not each.silent) for each in outcomes):
        sys.exit(Exit.FOUND)
    sys.exit(Exit.UNVERIFIED if errors or found.silent or unread else Exit.DONE)


@dns.command()
@INVENTORY
@LIMIT
@JSON
@QUIET
@click.option("--wait", type=click.IntRange(0), default=0, metavar="SECONDS", help="Look again while all is only late.")
def check(inventory: Path, limit: tuple[str, ...], json_path: str | None, quiet: bool, wait: int) -> None:
    """Ask every name server and the resolvers whether they show what is wanted. Changes nothing.

    What is late says how long it may be so; alone, it exits 4. What will not come right by itself exits 1.

    \b
    Example:
      ironpost dns check inventories/prod.py
      ironpost dns check inventories/prod.py --quiet --wait 600
    """
    fleet = read_inventory(inventory)
    scopes, unread = wanted(fleet, limit)
    deadline = time.monotonic() + wait
    while True:
        asked = resolvers(fleet.resolvers)
        found = survey(scopes, {}, asked=asked)
        sights = looked_up(found, asked)
        late = [sight.left for sight in sights if sight.state == "waiting"]
        if not late or any(sight.state == "wrong" for sight in sights) or time.monotonic() > deadline:
            break
        time.sleep(min(AGAIN_SECONDS, max(0.1, deadline - time.monotonic())))
    lacking = unmet(requests(fleet.mailhosts, limit), asked)
    sys.exit(judged(found, unread, sights, lacking, json_path, quiet))


def decided(adopt: tuple[str, ...], merge: tuple[str, ...], keep: tuple[str, ...]) -> Decisions:
    """NAME/TYPE → what the operator decided. Raises a usage error for a place that is decided twice."""
    decisions: dict[str, Rule] = {}
    pairs: list[tuple[str, Rule]] = [(place, "own") for place in adopt]
    pairs += [(place, "merge") for place in merge]
    pairs += [(place, "keep") for place in keep]
    for place, rule in pairs:
        name, _, rtype = place.rpartition("/")
        key = f"{name.lower().rstrip('.')}/{rtype.upper()}"
        if not name or decisions.setdefault(key, rule) != rule:
            raise click.UsageError(f"{place}: write NAME/TYPE as the plan shows it, and decide once")
    return decisions
