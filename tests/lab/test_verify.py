"""The verifier against live hosts: clean when they are clean, and red for the right reason when they were broken."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from ironpost.controls import CONTROLS
from ironpost.lab import Lab
from tests.lab.deployment import DEPLOY, run_command, succeed
from tests.lab.sabotage import LETTERS, Sabotage
from tests.lab.sabotage.policy import APPLY, POLICY, SHORT
from tests.lab.sabotage.transport import TRANSPORT

VERIFY = ("ironpost", "verify", "inventories/lab.py")
HOSTS = ("mx1", "mx2")
EVERY = {sabotage.control: sabotage for sabotage in (*TRANSPORT, *POLICY)}
# A sample with something of each family, half of it on each release; the soak runs all.
SAMPLE = ("TLS-02", "AUTH-09", "SMTP-01", "RELAY-03", "DKIM-01", "DMARC-06", "FW-01", "FW-02", "SPF-04", "AUTH-04")
FORGET = "pkill -x -u postfix anvil; nft flush set inet ironpost rate_25_v4; nft flush set inet ironpost rate_25_v6"
Rounds = list[tuple[tuple[str, Sabotage], ...]]


def rounds(ids: tuple[str, ...]) -> Rounds:
    """Two sabotages at a time, one on each host; those that disturb the other host have a round of their own."""
    pairable = [EVERY[each] for each in ids if not EVERY[each].alone]
    pairs: Rounds = [tuple(zip(HOSTS, pairable[at : at + 2], strict=False)) for at in range(0, len(pairable), 2)]
    lonely = [EVERY[each] for each in ids if EVERY[each].alone]
    return pairs + [((HOSTS[number % 2], sabotage),) for number, sabotage in enumerate(lonely)]


def named(broken: tuple[tuple[str, Sabotage], ...]) -> str:
    return " and ".join(f"{sabotage.control} on {host}" for host, sabotage in broken)


def verdicts(lab: Lab) -> dict[tuple[str, str], dict[str, Any]]:
    """(host, control) → row, of one run of the literal command. Each run counts for itself: limits are forgotten."""
    for host in HOSTS:
        lab.run(host, FORGET)
    done = run_command(lab, *VERIFY, "--json", "-")
    assert done.returncode in (0, 1, 4), done.stdout[-3000:]
    short = {lab.host(name).fqdn: name for name in HOSTS}
    return {(short[row["mailhost"]], row["control"]): row for row in json.loads(done.stdout)["results"]}


def standing(rows: dict[tuple[str, str], dict[str, Any]]) -> list[str]:
    """What does not hold, in words."""
    return [
        f"{host} {control} {row['state']}: {row['sides']}"
        for (host, control), row in rows.items()
        if row["state"] != "holds"
    ]


@pytest.fixture(scope="module")
def clean(published: Lab) -> Lab:
    """Both hosts, every control holding: a red one below is the sabotage's work."""
    rows = verdicts(published)
    assert len(rows) == len(HOSTS) * len(CONTROLS) and not standing(rows)
    return published


def test_every_control_has_its_sabotage() -> None:
    """A check that nobody has seen fail proves nothing."""
    assert sorted(EVERY) == sorted(control.id for control in CONTROLS)
    for control in CONTROLS:
        assert set(EVERY[control.id].sides) <= set(control.sides)


def test_the_verifier_says_what_holds(clean: Lab) -> None:
    """Exit 0, a line for each control, and a sentence of totals."""
    text = succeed(clean, *VERIFY)
    assert text.count("✓") == len(HOSTS) * len(CONTROLS)
    assert f"2 mail hosts, {len(CONTROLS)} controls: {len(HOSTS) * len(CONTROLS)} hold" in text


def test_without_a_vantage_point_there_is_no_verdict(clean: Lab, tmp_path: Any) -> None:
    """A probe from a trusted place would prove too much: unknown, exit 4, never a pass."""
    source = (clean_inventory()).replace('VantagePoint(ssh=_ssh("stranger"))', "VantagePoint(local=True)")
    inventory = tmp_path / "from_here.py"
    inventory.write_text(source)
    done = run_command(clean, "ironpost", "verify", str(inventory), "--control", "TLS-02")
    assert done.returncode == 4
    assert "is on allowlist ssh" in done.stdout


def clean_inventory() -> str:
    from tests.lab.deployment import TOP

    return (TOP / "inventories" / "lab.py").read_text()


@pytest.mark.parametrize("broken", rounds(SAMPLE), ids=named)
def test_a_sabotage_is_named_and_repaired(clean: Lab, broken: tuple[tuple[str, Sabotage], ...]) -> None:
    """Found by its own control on its own evidence, by no other, and put right by the deploy."""
    sabotage_round(clean, broken)


@pytest.mark.soak
@pytest.mark.parametrize("broken", rounds(tuple(each for each in EVERY if each not in SAMPLE)), ids=named)
def test_each_further_sabotage_is_named_and_repaired(clean: Lab, broken: tuple[tuple[str, Sabotage], ...]) -> None:
    """All controls have been seen to fail, not only a sample."""
    sabotage_round(clean, broken)


def sabotage_round(lab: Lab, broken: tuple[tuple[str, Sabotage], ...]) -> None:
    try:
        for host, sabotage in broken:
            sabotage.carry_out(lab, host)
        rows = verdicts(lab)
    finally:
        repair(lab, broken)
    for host, sabotage in broken:
        caught(rows, host, sabotage)
    allowed = dict.fromkeys(HOSTS, frozenset[str]())
    for host, sabotage in broken:
        allowed[host] |= sabotage.trips | {sabotage.control}
        for other in HOSTS if sabotage.alone else ():
            allowed[other] |= LETTERS
    false = [text for text in standing(rows) if text.split()[1] not in allowed[text.split()[0]]]
    assert not false, "tripped besides: " + "\n".join(false)
    assert not standing(verdicts(lab)), "not repaired"


def caught(rows: dict[tuple[str, str], dict[str, Any]], host: str, sabotage: Sabotage) -> None:
    row = rows[host, sabotage.control]
    assert row["state"] == "broken", f"{sabotage.sentence}: not found; {row['sides']}"
    for side in sabotage.sides:
        assert row["sides"][side]["state"] == "broken", f"{sabotage.sentence}: not seen from {side}; {row['sides']}"
        assert row["sides"][side]["found"] and row["sides"][side]["remedy"]


def repair(lab: Lab, broken: tuple[tuple[str, Sabotage], ...]) -> None:
    ways = {way for _, sabotage in broken for way in sabotage.repair}
    if "deploy" in ways:
        succeed(lab, *DEPLOY)
    if "dns" in ways:
        succeed(lab, *APPLY)
        time.sleep(2 * SHORT)
