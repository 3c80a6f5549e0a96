"""`ironpost plan`: what a deploy would change on each host, and why. Changes nothing."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import click

from ironpost.cli import Exit
from ironpost.cli.answer import write_answer
from ironpost.components import PARTS
from ironpost.dns.plan import Change
from ironpost.dns.resolver import resolvers
from ironpost.dns.survey import survey as survey_zones
from ironpost.dns.wanted import wanted
from ironpost.errors import HostError, InventoryError, IronpostError
from ironpost.facts.drift import changers, listeners
from ironpost.facts.look import differences_in_text, look
from ironpost.facts.survey import Difference, complaints
from ironpost.fleet import Fleet
from ironpost.generation import compose
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.timers import write_timer

SCHEMA = 1
HOSTS_AT_ONCE = 10
SIGNS = {"missing": "+", "no longer needed": "-"}


@dataclasses.dataclass(frozen=True)
class HostPlan:
    """One host or zone: why it would be refused, what would change and how in text; or why nothing is known.

    `kind`: what has that name.
    """

    name: str
    refused: tuple[str, ...] = ()
    differences: tuple[Difference, ...] = ()
    texts: dict[str, str] = dataclasses.field(default_factory=dict)
    changers: dict[str, str] = dataclasses.field(default_factory=dict)
    unread: str = ""
    kind: Literal["mailhost", "zone"] = "mailhost"


@click.command()
@click.argument("inventory", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--limit", multiple=True, metavar="NAME", help="Only this mail host; repeatable.")
@click.option("--json", "json_path", metavar="PATH|-", help="Also write the plan as JSON.")
@click.option("--quiet", is_flag=True, help="Print nothing but errors.")
@click.option("--exit-code", is_flag=True, help="Look for drift: also in listeners and DNS; exit 3 when there is any.")
@click.option("--hosts-only", is_flag=True, help="With --exit-code: leave DNS out, as before its first dns apply.")
@click.option("--write-timer", "timer", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
def plan(
    inventory: Path,
    limit: tuple[str, ...],
    json_path: str | None,
    quiet: bool,
    exit_code: bool,
    hosts_only: bool,
    timer: Path | None,
) -> None:
    """Show what a deploy would change on each host: files with diffs, packages, units, and why.

    With --exit-code it looks for drift: besides, it names listeners that no role owns, records of DNS that are not as
    wanted, and who changed a file where the host's auditd knows. --write-timer DIR writes a systemd timer for this
    controller that does so every day: its service fails, with the plan in the journal, when something differs.

    \b
    Example:
      ironpost plan inventories/prod.py
      ironpost plan inventories/prod.py --quiet --exit-code
      ironpost plan inventories/prod.py --write-timer /etc/systemd/system
    """
    fleet = read_inventory(inventory)
    hosts = chosen(fleet.mailhosts, limit)
    if timer is not None:
        click.echo("\n".join(scheduled(timer, inventory, limit)))
        return
    with ThreadPoolExecutor(HOSTS_AT_ONCE) as pool:
        plans = list(pool.map(lambda mailhost: planned(mailhost, exit_code), hosts))
    if exit_code and not hosts_only:
        plans += zones(fleet, tuple(host.name for host in hosts) if limit else ())
    write_json(json_path, plans)
    for found in plans:
        for line in lines(found):
            if not quiet and json_path != "-":
                click.echo(line)
        for complaint in (*found.refused, *filter(None, [found.unread])):
            click.echo(complaint, err=True)
    sys.exit(status(plans, exit_code))


def scheduled(folder: Path, inventory: Path, limit: tuple[str, ...]) -> list[str]:
    """Writes the units of the controller, and tells how they are switched on."""
    limits = [word for name in limit for word in ("--limit", name)]
    words = ["plan", str(inventory.resolve()), *limits, "--exit-code"]
    paths = write_timer(folder, "ironpost-drift", "Mail hosts are compared with the inventory", words)
    start = "start it with: systemctl daemon-reload && systemctl enable --now ironpost-drift.timer"
    return [*(f"{path} written" for path in paths), start]


def chosen(mailhosts: tuple[MailHost, ...], limit: tuple[str, ...]) -> tuple[MailHost, ...]:
    """The mail hosts that --limit leaves. Raises InventoryError for a name that matches nothing."""
    known = [mailhost.name for mailhost in mailhosts]
    for name in limit:
        if name not in known:
            raise InventoryError(f"--limit {name}: no such mail host; there are {', '.join(known)}")
    return tuple(mailhost for mailhost in mailhosts if not limit or mailhost.name in limit)


def planned(mailhost: MailHost, drift: bool = False) -> HostPlan:
    """With `drift`, also what a deploy would not change, and who changed a file where auditd knows."""
    generation = compose(mailhost, PARTS)
    try:
        survey = look(mailhost, generation)
        texts = differences_in_text(mailhost, generation, survey)
    except HostError as error:
        return HostPlan(mailhost.name, unread=str(error))
    refused = tuple(f"{mailhost.name}: {complaint}" for complaint in complaints(mailhost, survey))
    if not drift or survey.is_bare:
        return HostPlan(mailhost.name, refused, survey.differences, texts)
    differences = (*survey.differences, *listeners(generation, survey))
    return HostPlan(mailhost.name, refused, differences, texts, changers(mailhost, survey))


def zones(fleet: Fleet, limit: tuple[str, ...]) -> list[HostPlan]:
    """The same of the zones; what cannot be read of one stands in its own row."""
    try:
        scopes, unread = wanted(fleet, limit)
        found = survey_zones(scopes, {}, asked=resolvers(fleet.resolvers))
    except IronpostError as error:
        return [HostPlan("DNS", unread=str(error), kind="zone")]
    plans = [
        HostPlan(plan.zone, differences=tuple(zone_differences(plan.changes, plan.behind)), kind="zone")
        for plan in found.plans
    ]
    plans += [
        HostPlan(each.zone, differences=tuple(zone_differences(each.lacking)), kind="zone") for each in found.by_hand
    ]
    silent = [*unread, *found.errors, *found.silent, *(each.error for each in found.by_hand if each.error)]
    return [
        *(each for each in plans if each.differences),
        *(HostPlan("DNS", unread=why, kind="zone") for why in silent),
    ]


def zone_differences(changes: Iterable[Change], behind: Iterable[str] = ()) -> Iterator[Difference]:
    for change in changes:
        if change.pending or change.sign == "!":
            yield Difference("record", str(change.id), f"is {' and '.join(change.before) or 'missing'}")
    yield from (Difference("server", sentence.partition(": ")[0], sentence.partition(": ")[2]) for sentence in behind)


def lines(found: HostPlan) -> Iterator[str]:
    if found.unread:
        return
    yield f"{found.name}: {len(found.differences) or 'nothing'} to change"
    for each in found.differences:
        yield f"  {SIGNS.get(each.why, '~')} {each.kind} {each.name}: {each.why}"
        if each.kind == "file" and each.why == "content differs":
            yield from (f"      {line}" for line in found.texts.get(each.name, "").splitlines())
        if each.name in found.changers:
            yield f"      {found.changers[each.name]}"


def status(plans: list[HostPlan], exit_code: bool) -> Exit:
    if any(found.refused for found in plans):
        return Exit.FOUND
    if exit_code and any(found.differences for found in plans):
        return Exit.PENDING
    return Exit.UNVERIFIED if any(found.unread for found in plans) else Exit.DONE


def write_json(path: str | None, plans: list[HostPlan]) -> None:
    results: list[dict[str, Any]] = [
        {
            found.kind: found.name,
            "refused": list(found.refused),
            "unread": found.unread or None,
            "differences": [
                dataclasses.asdict(each)
                | {"diff": found.texts.get(each.name) if each.kind == "file" else None}
                | {"changed": found.changers.get(each.name)}
                for each in found.differences
            ],
        }
        for found in plans
    ]
    write_answer(path, SCHEMA, results)
