"""Collects what there is to be seen of one mail host, from all sides at once."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from ironpost.compliance.common import Common
from ironpost.compliance.judge import Evidence
from ironpost.compliance.letters import letters
from ironpost.compliance.outside import probe
from ironpost.compliance.proof import Wanted
from ironpost.compliance.reasons import reasons
from ironpost.compliance.world import compared, world
from ironpost.compliance.zone import with_selectors, zone
from ironpost.dns.wanted import wanted as wanted_scopes
from ironpost.errors import IronpostError, UnverifiableError
from ironpost.evidence.letters import Letters
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.evidence.told import Told
from ironpost.evidence.world import World
from ironpost.evidence.zone import Zone
from ironpost.fleet import Fleet
from ironpost.mailhost import MailHost

LETTERS = ("written", "bounce", "forged", "two_from", "spoof", "claimed", "senders")
Progress = Callable[[str], None]


def collect(common: Common, mailhost: MailHost, wanted: Wanted, progress: Progress) -> Evidence:
    """Never raises: what could not be collected is there as its reason."""
    fleet = common.fleet
    with ThreadPoolExecutor() as pool:
        inside = pool.submit(common.snapshot, mailhost)
        outside = pool.submit(from_outside, common, mailhost, wanted.deep)
        records = pool.submit(zone, common.servers, mailhost)
        heard = pool.submit(world, common.servers, mailhost)
        post = pool.submit(letters, common, mailhost)
        seen = stamped(result(inside))
        progress(f"{mailhost.name}: looked at from inside")
        told_apart = pool.submit(with_differences, common, mailhost, result(heard))
        written = result(post)
        listed = with_keys(common, result(records), written)
        probes = stamped(with_rest(mailhost, result(outside), listed, written, result(told_apart), seen))
        progress(f"{mailhost.name}: probed from outside")
    return Evidence(seen, probes, told(fleet, mailhost, datetime.datetime.now(datetime.UTC).date()), has_peer(fleet))


def with_differences(common: Common, mailhost: MailHost, heard: Any) -> Any:
    """What the world has, and where that differs from the inventory and from what the hosts tell of themselves."""
    if not isinstance(heard, World):
        return heard
    try:
        names = (mailhost.name, *mailhost.parked_names)
        differences, unread = compared(common.servers, *wanted_scopes(common.fleet, names, common.tell, common.layout))
    except IronpostError as error:
        differences, unread = None, (str(error),)
    return dataclasses.replace(heard, differences=differences, unread=unread)


def stamped(found: Any) -> Any:
    """With the time of the controller, which is the one that the operator believes."""
    if not isinstance(found, (Snapshot, Probes)):
        return found
    return dataclasses.replace(found, raw=dict(found.raw, taken=datetime.datetime.now(datetime.UTC).isoformat()))


def told(fleet: Fleet, mailhost: MailHost, today: datetime.date) -> Told:
    """The waivers for the whole fleet, for this host, or for one of its domains."""
    mine = [waiver for waiver in fleet.waivers if waiver.mailhost in (None, mailhost.name)]
    mine = [waiver for waiver in mine if waiver.domain in (None, *mailhost.domain_names)]
    return Told(tuple(mine), today)


def has_peer(fleet: Fleet) -> bool:
    return len([mailhost for mailhost in fleet.mailhosts if mailhost.probe]) > 1


def from_outside(common: Common, mailhost: MailHost, deep: bool) -> Probes:
    return probe(mailhost, common.from_outside(), deep)


def with_rest(
    mailhost: MailHost, probes: Any, records: Any, post: Any, heard: Any = None, inside: Any = None
) -> Probes:
    """Zone and letters are the controller's own work: they count even where no stranger could look."""
    seen = probes if isinstance(probes, Probes) else nothing_seen(mailhost, str(probes))
    seen = Probes({**seen.raw, "why": reasons(seen, inside)})
    written = post if isinstance(post, Letters) else Letters({}, dict.fromkeys(LETTERS, str(post)))
    seen = dataclasses.replace(seen, world_seen=heard if isinstance(heard, World) else None)
    return dataclasses.replace(seen, zone_seen=records if isinstance(records, Zone) else None, letters_seen=written)


def with_keys(common: Common, records: Any, post: Any) -> Any:
    """The zone with the keys that the letters name."""
    complete = isinstance(records, Zone) and isinstance(post, Letters)
    return with_selectors(common.servers, records, post) if complete else records


def nothing_seen(mailhost: MailHost, why: str) -> Probes:
    return Probes({"addresses": {address: {} for address in mailhost.addresses}, "sources": [], "error": why})


def result(future: Future[Any]) -> Any:
    """The evidence, or the error that stands for it: one host's trouble stays one host's."""
    try:
        return future.result()
    except IronpostError as error:
        return UnverifiableError(str(error))
    except Exception as error:  # whatever a host may send: it is told as unknown, and the other hosts are looked at
        return UnverifiableError(f"cannot be read ({type(error).__name__}: {' '.join(str(error).split())[:200]})")
