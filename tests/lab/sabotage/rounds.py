"""One round of sabotage: hosts are broken, verified, repaired by the operators' command, and verified once more."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any

from ironpost.compliance.proof import Wanted
from ironpost.controls import CONTROLS
from ironpost.lab import Lab
from tests.lab.deployment import DEPLOY, run_command, succeed
from tests.lab.sabotage import LETTERS, Sabotage
from tests.lab.sabotage.policy import APPLY, SHORT

VERIFY = ("ironpost", "verify", "inventories/lab.py")
HOSTS = ("mx1", "mx2")
FLAGS = {"slow": "--deep", "disruptive": "--disruptive"}
BY_ID = {control.id: control for control in CONTROLS}
FORGET = (
    "pkill -x -u postfix anvil; for set in $(nft list sets inet | sed -n 's/^\\tset \\(rate_[a-z0-9_]*\\) {/\\1/p');"
    " do nft flush set inet ironpost $set; done;"
    # no account writes as much as the verifier does in an hour of sabotage
    ' counts=/var/lib/private/ironpost-sending/counts.db; [ ! -e $counts ] || python3 -c "import sqlite3, sys;'
    " kept = sqlite3.connect(sys.argv[1], timeout=20); kept.execute('DELETE FROM sent'); kept.commit()\" $counts"
)
DIGESTS = frozenset({"LOG-10"})  # whatever is changed is another file than the one that was put there
Rows = dict[tuple[str, str], dict[str, Any]]
Round = tuple[tuple[str, Sabotage], ...]


def rounds(sabotages: Iterable[Sabotage]) -> list[Round]:
    """Two sabotages at a time, one on each host; those that disturb the other host have a round of their own.

    Those of a pair are repaired by the same command where possible: no deploy where `dns apply` is enough.
    """
    wanted = list(sabotages)
    pairable = [each for each in wanted if not (each.alone or each.only or each.shared)]
    pairable.sort(key=lambda each: each.repair)
    pairs: list[Round] = [tuple(zip(HOSTS, pairable[at : at + 2], strict=False)) for at in range(0, len(pairable), 2)]
    lonely = [each for each in wanted if each.alone or each.only or each.shared]
    return spread(pairs + [((sabotage.only or HOSTS[number % 2], sabotage),) for number, sabotage in enumerate(lonely)])


def spread(waiting: list[Round]) -> list[Round]:
    """The same rounds in an order in which, as far as there is one, none hides the outcome of the one before.

    The most common kind goes first wherever it can, so that the end is not left with what hides each other.
    """
    waiting, found = list(waiting), list[Round]()
    while waiting:
        free = [each for each in waiting if not (found and hides(each, found[-1]))] or waiting
        found.append(max(free, key=lambda each: len([other for other in waiting if hides(other, each)])))
        waiting.remove(found[-1])
    return found


def hides(now: Round, before: Round) -> bool:
    """Whether what was broken before could fail on because of what is broken now, or is not asked about in between."""
    if any(not Wanted().includes(BY_ID[each.control]) for _, each in before):
        return True  # only a run that asks them by name sees them
    old, new = allowed(before), allowed(now)
    return any(old[host] & new[host] for host in HOSTS)


def named(broken: Round) -> str:
    return " and ".join(f"{sabotage.control} on {host}" for host, sabotage in broken)


def verdicts(lab: Lab, broken: Round = ()) -> Rows:
    """(host, control) → row, of the literal command. Each run counts for itself: limits are forgotten.

    Controls of the round that the command does not ask by itself are asked by name, with what they cost.
    """
    for host in HOSTS:
        lab.run(host, FORGET)
    rows = rows_of(lab)
    further = sorted({each.control for _, each in broken if not Wanted().includes(BY_ID[each.control])})
    if further:
        flags = [FLAGS[BY_ID[name].cost] for name in further if BY_ID[name].cost in FLAGS]
        rows |= rows_of(lab, *(word for name in further for word in ("--control", name)), *dict.fromkeys(flags))
    return rows


def rows_of(lab: Lab, *words: str) -> Rows:
    done = run_command(lab, *VERIFY, *words, "--json", "-")
    assert done.returncode in (0, 1, 4), done.stdout[-3000:]
    short = {lab.host(name).fqdn: name for name in HOSTS}
    return {(short[row["mailhost"]], row["control"]): row for row in json.loads(done.stdout)["results"]}


def standing(rows: Rows) -> list[str]:
    """What does not hold, in words; a waiver excuses nothing here."""
    return [
        f"{host} {control} {row['state']}: {row['sides']}"
        for (host, control), row in rows.items()
        if row["state"] not in ("holds", "not applicable")
    ]


def break_and_look(lab: Lab, broken: Round) -> Rows:
    """What the verifier says while these sabotages stand; they are repaired whatever happens."""
    try:
        for host, sabotage in broken:
            sabotage.carry_out(lab, host)
        return verdicts(lab, broken)
    finally:
        repair(lab, broken)


def repair(lab: Lab, broken: Round) -> None:
    """By the operators' commands alone, never by resetting the host."""
    for host, sabotage in broken:
        if sabotage.mends:
            sabotage.mends(lab, host)
    ways = {way for _, sabotage in broken for way in sabotage.repair}
    if "deploy" in ways:
        succeed(lab, *DEPLOY, *limits(lab, broken, "deploy"))
    if "rotate" in ways:
        succeed(lab, "ironpost", "dkim", "rotate", "inventories/lab.py", *limits(lab, broken, "rotate"), "--wait")
    if "dns" in ways:
        succeed(lab, *APPLY)
        time.sleep(2 * SHORT)


def limits(lab: Lab, broken: Round, way: str) -> list[str]:
    """`--limit` for the hosts that are repaired in this way."""
    hosts = [lab.host(host).fqdn for host, sabotage in broken if way in sabotage.repair]
    return [word for host in hosts for word in ("--limit", host)]


def escaped(rows: Rows, host: str, sabotage: Sabotage) -> str:
    """Why a sabotage does not count as caught; empty when its own control found it from each side that it names."""
    row = rows[host, sabotage.control]
    if row["state"] != "broken":
        return f"{sabotage.key}: not found; {row['sides']}"
    for side in sabotage.sides:
        said = row["sides"][side]
        if said["state"] != "broken" or not said["found"] or not said["remedy"]:
            return f"{sabotage.key}: not seen from {side}; {row['sides']}"
    return ""


def allowed(broken: Round) -> dict[str, frozenset[str]]:
    """Host → controls that need not hold while these sabotages stand."""
    found = dict.fromkeys(HOSTS, frozenset[str]())
    for host, sabotage in broken:
        # Whatever is changed in a zone is no longer as the inventory says.
        expected = sabotage.trips | {sabotage.control} | ({"DNS-09"} if "dns" in sabotage.repair else set())
        for each in HOSTS if sabotage.shared else (host,):
            found[each] |= expected
        for other in HOSTS if sabotage.alone else ():
            found[other] |= LETTERS
    return found


def tripped(rows: Rows, broken: Round) -> list[str]:
    """Controls that cry although nothing of theirs was touched."""
    expected = allowed(broken)
    return [text for text in standing(rows) if text.split()[1] not in expected[text.split()[0]] | DIGESTS]
