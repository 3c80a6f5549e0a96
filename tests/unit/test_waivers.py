"""Waivers: what they cover, when they end, and that they hide nothing."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import pytest

from ironpost.compliance.collect import told
from ironpost.compliance.judge import Evidence, judged
from ironpost.compliance.proof import Judged, Wanted
from ironpost.controls.control import Control, Verdict, broken, control, control_of, holds, holds_unless
from ironpost.controls.evidence import WaiversHaveAnEnd
from ironpost.controls.mappings import MAPPINGS
from ironpost.errors import InventoryError, UnverifiableError
from ironpost.evidence.snapshot import Snapshot
from ironpost.fleet import Fleet
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from tests.inventories import mailhost, write_inventory

TODAY = datetime.date(2026, 11, 24)
BASELINE = Wanted()
DOMAINS = (
    '[Domain(name="example.org", users="users/example.org.toml"), '
    'Domain(name="example.com", users="users/example.org.toml")]'
)


def read(folder: Path, *waivers: str) -> Fleet:
    options = f"waivers=[{', '.join(waivers)}]"
    before = "import datetime\nfrom ironpost.settings import Waiver"
    return read_inventory(write_inventory(folder, mailhost(domains=DOMAINS), before=before, options=options))


def waiver(until: str = "2026, 12, 31", **scope: str) -> str:
    words = "".join(f', {name}="{value}"' for name, value in scope.items())
    return f'Waiver(control="TST-01", reason="the old scanner", owner="anna", until=datetime.date({until}){words})'


@control("TST-01", claim="No domain is bad", reference="none")
class NoDomainIsBad:
    """Judges what the mail host says of itself, so that no evidence is needed."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        bad = snapshot.raw["bad"]
        return holds_unless((name for name in mailhost.domain_names if name in bad), remedy="mend it")


def verdict(fleet: Fleet, *bad: str, control: Control | None = None, **wanted: str) -> Judged:
    host = fleet.mailhosts[0]
    evidence = Evidence(Snapshot({"bad": bad}), None, told(fleet, host, TODAY))
    return judged(host, control or control_of(NoDomainIsBad), evidence, Wanted(**wanted))  # type: ignore[arg-type]


def test_a_waived_control_is_measured_and_shown(tmp_path: Path) -> None:
    """The finding stays in the report with its evidence; it only stops counting as one."""
    found = verdict(read(tmp_path, waiver()), "example.org")
    assert (found.state, found.outcome) == ("broken", "waived")
    assert found.inside and found.inside.found == "example.org"


def test_a_waiver_that_has_run_out_is_a_finding_of_its_own(tmp_path: Path) -> None:
    """And what it covered counts again."""
    fleet = read(tmp_path, waiver("2026, 11, 23"))
    assert verdict(fleet, "example.org").outcome == "broken"
    over = verdict(fleet, control=control_of(WaiversHaveAnEnd))
    assert over.state == "broken" and "TST-01 ended on 2026-11-23 (anna)" in over.verdicts[0][1].found
    assert verdict(read(tmp_path, waiver("2026, 11, 24"))).outcome == "holds"


def test_a_waiver_of_a_domain_covers_that_domain_alone(tmp_path: Path) -> None:
    """Else one agreed exception would hide every other domain of the host."""
    fleet = read(tmp_path, waiver(domain="example.com"))
    assert verdict(fleet, "example.com").outcome == "waived"
    assert verdict(fleet, "example.org", "example.com").outcome == "broken"
    assert verdict(fleet, "example.org").outcome == "broken"


def test_what_could_not_be_verified_is_never_waived(tmp_path: Path) -> None:
    """A waiver accepts a known deviation, not ignorance."""
    fleet = read(tmp_path, waiver())
    host = fleet.mailhosts[0]
    evidence = Evidence(UnverifiableError("no route"), None, told(fleet, host, TODAY))
    assert judged(host, control_of(NoDomainIsBad), evidence, BASELINE).outcome == "unknown"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (waiver(mailhost="mx9.example.org"), "mx9.example.org is no mail host here; there are mx1.example.org"),
        (waiver(domain="example.net"), "example.net is no domain here"),
        (waiver(mailhost="mx1.example.org", domain="example.com"), "names both a mailhost and a domain"),
        ('Waiver(control="TST-01", reason="the old scanner", owner="anna")', "until: is missing; add it"),
        ('Waiver(control="x", reason="", owner="", until=datetime.date.max)', "control: "),
    ],
)
def test_mistakes_in_a_waiver_are_told_with_the_line(tmp_path: Path, text: str, said: str) -> None:
    """A waiver that covers nothing is a slip of the pen."""
    with pytest.raises(InventoryError) as refused:
        read(tmp_path, text)
    assert said in str(refused.value) and "inventory.py:" in str(refused.value)


@control("TST-02", claim="Strict", reference="none", roles={"mx"}, needs={"bookworm"})
class HoldsAtBaseline:
    """The strict value comes on top."""

    def inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        return broken("below the baseline", "mend it") if "baseline" in snapshot.raw["bad"] else holds()

    def strict_inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
        return broken("below strict", "mend it")


def test_strict_asks_for_more_and_never_for_less(tmp_path: Path) -> None:
    """A strict value that forgot the baseline would make the stricter profile the weaker one."""
    fleet = read(tmp_path)
    asked = control_of(HoldsAtBaseline)
    assert verdict(fleet, control=asked).state == "not applicable"  # it needs Debian 12
    asked = dataclasses.replace(asked, needs=frozenset())
    assert verdict(fleet, control=asked).state == "holds"
    assert verdict(fleet, control=asked, profile="strict").verdicts[0][1].found == "below strict"
    assert verdict(fleet, "baseline", control=asked, profile="strict").verdicts[0][1].found == "below the baseline"


def test_a_clause_is_shown_of_texts_that_were_read_alone() -> None:
    """An auditor who looks a clause up must find it."""
    for name, texts in MAPPINGS.items():
        for each in texts:
            assert bool(each.clause) is (each.source == "read"), name


def test_a_waiver_of_a_strict_value_is_not_called_needless_at_baseline(tmp_path: Path) -> None:
    """Whoever followed that advice would find the control broken at strict."""

    @control("TST-01", claim="No domain is bad, and at strict there is none", reference="none")
    class NoDomainAtStrict(NoDomainIsBad):
        """The strict value is another one."""

        def strict_inside(self, mailhost: MailHost, snapshot: Snapshot) -> Verdict:
            return broken("there are domains", "have none")

    fleet, strict = read(tmp_path, waiver()), control_of(NoDomainAtStrict)
    assert verdict(fleet, control=strict).waiver is None
    assert verdict(fleet, control=strict, profile="strict").outcome == "waived"
    assert verdict(fleet).waiver is not None
