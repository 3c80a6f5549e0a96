"""Asks the controls: each side on its own evidence, and whether there is anything to be asked at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from ironpost.compliance.parts import ROLES_OF
from ironpost.compliance.proof import Judged, Wanted, worst
from ironpost.controls.control import ALL_ROLES, Control, Role, Verdict, not_applicable
from ironpost.controls.firewall import listed_ports
from ironpost.errors import UnverifiableError
from ironpost.evidence import NotCollectedError
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.evidence.told import Told
from ironpost.mailhost import MailHost
from ironpost.settings import Waiver

RELEASES = {"bookworm": "Debian 12", "trixie": "Debian 13"}


@dataclasses.dataclass(frozen=True)
class Evidence:
    """What there is of one mail host; an UnverifiableError stands for what could not be collected.

    `second_party`: the fleet has another mail host that letters can be exchanged with.
    """

    snapshot: Snapshot | UnverifiableError
    probes: Any
    told: Told
    second_party: bool = True


def judged(mailhost: MailHost, control: Control, evidence: Evidence, wanted: Wanted) -> Judged:
    """One control on one mail host, with the waiver that covers it."""
    seen = sides(mailhost, control, evidence, wanted)
    found = Judged(mailhost.name, control, seen.get("inside"), seen.get("outside"), seen.get("inventory"))
    if found.state != "broken":
        if control.strict and wanted.profile != "strict":
            return found  # it may be the strict value that is waived, and that was not asked
        return dataclasses.replace(found, waiver=covering(mailhost, control, evidence.told))
    return dataclasses.replace(found, waiver=sufficient(mailhost, control, evidence, wanted))


def sides(mailhost: MailHost, control: Control, evidence: Evidence, wanted: Wanted) -> dict[str, Verdict]:
    aside = out_of_place(mailhost, control, evidence)
    if aside:
        return dict.fromkeys(control.sides, aside)
    parts = {"inside": evidence.snapshot, "outside": evidence.probes, "inventory": evidence.told}
    found = {}
    for name in control.sides:
        asked = [side(judge, mailhost, parts[name]) for judge in control.judges(name, wanted.profile)]
        state = worst([verdict.state for verdict in asked if verdict])
        found[name] = next(verdict for verdict in asked if verdict and verdict.state == state)
    return found


def out_of_place(mailhost: MailHost, control: Control, evidence: Evidence) -> Verdict | None:
    """Why the claim says nothing about this host, or cannot be shown of it; None where it can."""
    if control.roles.isdisjoint(mailhost.roles):
        return not_applicable(concerns(control.roles))
    releases = control.needs & RELEASES.keys()
    if releases and mailhost.release not in releases:
        return not_applicable(f"needs {' or '.join(RELEASES[name] for name in sorted(releases))}")
    if "second party" in control.needs and not evidence.second_party:
        return Verdict("unknown", "needs a second mail host with a probe login in the inventory")
    if isinstance(evidence.snapshot, Snapshot):
        return out_of_reach(control, evidence.snapshot)
    if control.cost == "disruptive" or control.needs & {"real host", "internet"}:
        return Verdict("unknown", str(evidence.snapshot))
    return None


def concerns(roles: Iterable[Role]) -> str:
    return f"concerns hosts with the role {' or '.join(sorted(roles))}"


def out_of_reach(control: Control, snapshot: Snapshot) -> Verdict | None:
    """What the place of the host keeps from being shown."""
    if "real host" in control.needs and snapshot.container:
        return not_applicable(f"not shown in a container ({snapshot.container}): needs a kernel of its own")
    if "internet" in control.needs and snapshot.in_test_network:
        return not_applicable("not shown in the test network: it has no way to the Internet")
    if control.cost == "disruptive" and not snapshot.in_test_network:
        return not_applicable("disruptive: shown on hosts of the test network only")
    return None


def side(judge: Callable[[Any, Any], Verdict] | None, mailhost: MailHost, evidence: Any) -> Verdict | None:
    """What one side says; without its evidence it says nothing."""
    if judge is None:
        return None
    if isinstance(evidence, UnverifiableError):
        return Verdict("unknown", str(evidence))
    if isinstance(evidence, Probes):
        evidence = Watched(evidence, listed_ports(mailhost))
    try:
        verdict = judge(mailhost, evidence)
        return unseen(evidence) or verdict if verdict.state == "holds" else verdict
    except NotCollectedError as missing:
        having = ROLES_OF.get(missing.part, ALL_ROLES)
        if having.isdisjoint(mailhost.roles):
            return not_applicable(concerns(having))
        return Verdict("unknown", str(missing))
    except Exception as error:
        # Evidence of a shape that nobody expected: garbage must neither pass nor end the run of all the others.
        return Verdict("unknown", f"{UNREADABLE} ({type(error).__name__}: {error})", "send the --evidence file to us")


class Watched(Probes):
    """Probes without the ports that an allowlist closes to strangers, which FW-02 holds the host to.

    `asked`: what a control wanted to see → whether a stranger can.
    """

    asked: dict[str, bool]
    closed: frozenset[str]

    def __init__(self, probes: Probes, closed: Iterable[int]) -> None:
        super().__init__(probes.raw, probes.zone_seen, probes.letters_seen, probes.world_seen)
        vars(self).update(asked={}, closed=frozenset(map(str, closed)))  # a frozen dataclass

    def each(self, label: str) -> list[tuple[str, Any]]:
        self.asked[label] = label.rpartition("/")[2] not in self.closed
        return super().each(label) if self.asked[label] else []


def unseen(evidence: Any) -> Verdict | None:
    """Where all that was asked for lies behind an allowlist, nothing was found because nothing could be."""
    asked: dict[str, bool] = getattr(evidence, "asked", {})
    if not asked or any(asked.values()):
        return None
    ports = " and ".join(sorted({label.rpartition("/")[2] for label in asked}, key=int))
    return not_applicable(f"port {ports} is for those of an allowlist, and a stranger finds it closed (FW-02)")


UNREADABLE = "the evidence cannot be read"


def covering(mailhost: MailHost, control: Control, told: Told) -> Waiver | None:
    """A waiver in force that names this control here, whether it is needed or not."""
    running = [each for each in told.waivers if each.control == control.id and each.runs(told.today)]
    return running[0] if running else None


def sufficient(mailhost: MailHost, control: Control, evidence: Evidence, wanted: Wanted) -> Waiver | None:
    """The waiver that covers all that is broken: without the domains that are waived, nothing must be."""
    running = [each for each in evidence.told.waivers if each.control == control.id and each.runs(evidence.told.today)]
    whole = [each for each in running if each.domain is None]
    if whole or not running:
        return whole[0] if whole else None
    waived = {each.domain for each in running}
    rest = tuple(domain for domain in mailhost.domains if domain.name not in waived)
    if rest:
        others = sides(mailhost.model_copy(update={"domains": rest}), control, evidence, wanted)
        if worst([verdict.state for verdict in others.values()]) == "broken":
            return None
    return running[0]
