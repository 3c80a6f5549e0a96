"""A folder for octoDNS, which knows the interfaces of most DNS providers: one YAML file for each zone.

Written as JSON scalars in YAML, so that no value can be taken for anything but text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ironpost.dns.desired import Desired
from ironpost.dns.recordset import TTL

CONFIG = "octodns.yaml"
ZONES = "zones"
HEAD = """\
# Written once by `ironpost dns plan --format octodns`; yours to edit. Run octoDNS in this folder:
#   octodns-sync --config-file octodns.yaml           (shows what it would do)
#   octodns-sync --config-file octodns.yaml --doit
providers:
  ironpost:
    class: octodns.provider.yaml.YamlProvider
    directory: ./zones
    default_ttl: {ttl}
    populate_should_replace: false
  # Your provider: any class that octoDNS has for it (octodns_cloudflare.CloudflareProvider, …) with its credentials.
  yours:
    class: octodns.provider.yaml.YamlProvider
    directory: ./published
    default_ttl: {ttl}
processors:
  # Without it octoDNS would delete everything in the zone that is not of ours.
  ownership:
    class: octodns.processor.ownership.OwnershipProcessor
    txt_name: _ironpost-owner
    txt_value: ironpost
zones:
"""
ZONE = """\
  {zone}.:
    processors: [ownership]
    sources: [ironpost]
    targets: [yours]
"""


def write_octodns(folder: Path, zones: Mapping[str, list[Desired]]) -> list[Path]:
    """Writes the zones anew, and the configuration where there is none yet. Returns what was written."""
    (folder / ZONES).mkdir(parents=True, exist_ok=True)
    written = []
    for zone, places in zones.items():
        path = folder / ZONES / f"{zone}.yaml"
        path.write_text(zone_yaml(zone, places))
        written.append(path)
    if not (folder / CONFIG).exists():
        (folder / CONFIG).write_text(HEAD.format(ttl=TTL) + "".join(ZONE.format(zone=zone) for zone in sorted(zones)))
        written.append(folder / CONFIG)
    return written


def zone_yaml(zone: str, places: list[Desired]) -> str:
    """All places of one zone by name; a place that waits for a decision is left out, and said so."""
    held = [f"# left out: {each.name} {each.rtype} {each.withheld}\n" for each in places if each.withheld]
    by_name: dict[str, list[Desired]] = {}
    for each in places:
        if not each.withheld:
            by_name.setdefault(relative(each.name, zone), []).append(each)
    rows = "".join(name_yaml(name, by_name[name]) for name in sorted(by_name, key=natural))
    return "---\n" + "".join(held) + (rows or "{}\n")


def name_yaml(name: str, places: list[Desired]) -> str:
    rows = [f"{json.dumps(name)}:\n"]
    for each in sorted(places, key=lambda each: each.rtype):
        rows += [f"# {reason}\n" for reason in dict.fromkeys(each.reasons)]
        rows += [f"- ttl: {TTL}\n  type: {each.rtype}\n  values:\n"]
        rows += [f"  - {value}\n" for value in values_yaml(each)]
    return "".join(rows)


def values_yaml(each: Desired) -> Iterator[str]:
    shape = SHAPES.get(each.rtype, str)
    for value in (*each.others, *each.values):
        yield json.dumps(shape(value), ensure_ascii=False)


def text(value: str) -> str:
    """octoDNS wants semicolons escaped, and cuts long text itself."""
    return value.replace(";", "\\;")


def fields(*names: str) -> Callable[[str], dict[str, Any]]:
    """A value of several fields in their order on the wire; quotes are not part of a value."""

    def shape(value: str) -> dict[str, Any]:
        words = value.split(" ", len(names) - 1)
        pairs = zip(sorted(names), [words[names.index(name)] for name in sorted(names)], strict=True)
        return {name: word.strip('"') if name in TEXTS else int(word) for name, word in pairs}

    return shape


# Those fields that are no numbers.
TEXTS = frozenset({"exchange", "target", "tag", "value", "fingerprint", "certificate_association_data"})
SHAPES: Mapping[str, Callable[[str], Any]] = {
    "TXT": text,
    "MX": fields("preference", "exchange"),
    "SRV": fields("priority", "weight", "port", "target"),
    "CAA": fields("flags", "tag", "value"),
    "SSHFP": fields("algorithm", "fingerprint_type", "fingerprint"),
    "TLSA": fields("certificate_usage", "selector", "matching_type", "certificate_association_data"),
}


def relative(name: str, zone: str) -> str:
    return "" if name == zone else name.removesuffix(f".{zone}")


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """The order that octoDNS demands: numbers in names by their value."""
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.findall(r"\d+|\D+", name))
