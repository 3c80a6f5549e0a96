"""The folder for octoDNS, loaded by octoDNS itself: every record arrives there as it was meant."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ironpost.dns.desired import Desired
from ironpost.dns.octodns import write_octodns
from ironpost.dns.recordset import canonical, rdata_of

BIN = Path(sys.executable).parent

# Runs octoDNS as its users do, from its configuration, and prints (name, type, ttl, values as in a zone file).
LOAD = """
import json, sys
from octodns.manager import Manager
from octodns.zone import Zone
manager = Manager("octodns.yaml")
for name in sys.argv[1:]:
    zone = Zone(name + ".", [])
    manager.providers["ironpost"].populate(zone)
    for record in zone.records:
        values = record.values if hasattr(record, "values") else [record.value]
        texts = [value.rdata_text if hasattr(value, "rdata_text") else str(value) for value in values]
        if record._type == "TXT":
            texts = [value.replace("\\\\;", ";") for value in values]
        print(json.dumps([record.fqdn.rstrip("."), record._type, record.ttl, sorted(texts)]))
"""

KEY = "v=DKIM1; k=rsa; p=" + "A" * 380
VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    ("example.org", "MX"): ("10 mx1.example.org.", "20 mx2.example.org."),
    ("example.org", "TXT"): ("v=spf1 mx ~all",),
    ("sleeping.example.org", "MX"): ("0 .",),
    ("*._domainkey.sleeping.example.org", "TXT"): ("v=DKIM1; p=",),
    ("r1._domainkey.example.org", "TXT"): (KEY,),
    ("_dmarc.example.org", "TXT"): ('v=DMARC1; p=reject; rua=mailto:"odd"@example.org',),
    ("_imap._tcp.example.org", "SRV"): ("0 0 0 .",),
    ("_imaps._tcp.example.org", "SRV"): ("0 1 993 mx1.example.org.",),
    ("mx1.example.org", "A"): ("192.0.2.10",),
    ("mx1.example.org", "AAAA"): ("2001:db8:2::10",),
    ("mx2.example.org", "A"): ("192.0.2.20",),
    ("mx10.example.org", "A"): ("192.0.2.30",),
    ("mx1.example.org", "CAA"): (
        '0 issue "ca.example; accounturi=https://ca.example/Acct/1; validationmethods=dns-01"',
        '0 issuewild ";"',
    ),
    ("mx1.example.org", "SSHFP"): ("4 2 " + "12" * 32,),
    ("_25._tcp.mx1.example.org", "TLSA"): ("3 1 1 " + "ab" * 32,),
}
POINTERS: dict[tuple[str, str], tuple[str, ...]] = {
    (f"{number}.2.0.192.in-addr.arpa", "PTR"): (f"mx{number}.example.org.",) for number in (2, 10)
}
ZONES = {"example.org": VALUES, "2.0.192.in-addr.arpa": POINTERS}


def places(values: dict[tuple[str, str], tuple[str, ...]]) -> list[Desired]:
    return [Desired(*place, texts, (), ("why",)) for place, texts in values.items()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_octodns(tmp_path, {zone: places(values) for zone, values in ZONES.items()})
    return tmp_path


def test_octodns_accepts_the_folder(folder: Path) -> None:
    """Its own validation, strict, with the configuration that we write."""
    command = [str(BIN / "octodns-validate"), "--config-file", "octodns.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_octodns_reads_every_record_as_it_was_meant(folder: Path) -> None:
    """Semicolons, long keys, null MX, "." in SRV, capitals in CAA: each is lost by somebody's exporter."""
    done = subprocess.run([sys.executable, "-c", LOAD, *ZONES], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    loaded = {(name, rtype): [same(rtype, value) for value in values] for name, rtype, _, values in rows}
    wanted = {
        place: [same(place[1], value) for value in texts] for zone in ZONES.values() for place, texts in zone.items()
    }
    assert {place: sorted(values) for place, values in loaded.items()} == {
        place: sorted(values) for place, values in wanted.items()
    }
    assert {ttl for _, _, ttl, _ in rows} == {300}


def same(rtype: str, value: str) -> str:
    """A value in one form, whoever wrote it."""
    return value if rtype == "TXT" else rdata_of(rtype, canonical(rtype, value)).to_text()


def test_what_others_have_at_our_names_is_written_too(tmp_path: Path) -> None:
    """octoDNS replaces whole sets: a proof of ownership beside our SPF would be gone."""
    rows = [Desired("example.org", "TXT", ("v=spf1 mx ~all",), ("proof=x; y",), ("why",))]
    write_octodns(tmp_path, {"example.org": rows})
    text = (tmp_path / "zones/example.org.yaml").read_text()
    assert '"proof=x\\\\; y"' in text and '"v=spf1 mx ~all"' in text


def test_a_place_that_waits_for_a_decision_is_left_out(tmp_path: Path) -> None:
    """A first publication never destroys a domain's mail, by whichever way."""
    rows = [Desired("example.org", "MX", ("10 mx1.example.org.",), (), ("why",), "stands there with 10 theirs.")]
    write_octodns(tmp_path, {"example.org": rows})
    text = (tmp_path / "zones/example.org.yaml").read_text()
    assert "# left out: example.org MX stands there" in text and '"exchange"' not in text


def test_a_configuration_that_was_edited_stays(folder: Path) -> None:
    """The provider and its credentials are the operator's."""
    (folder / "octodns.yaml").write_text("# mine\n")
    write_octodns(folder, {"example.org": []})
    assert (folder / "octodns.yaml").read_text() == "# mine\n"


def test_nothing_of_others_is_deleted_by_octodns(folder: Path) -> None:
    """octoDNS wipes what its source lacks, unless it is told whose is whose."""
    published = folder / "published"
    published.mkdir()
    (published / "example.org.yaml").write_text("---\nwww:\n- {ttl: 60, type: A, values: [192.0.2.80]}\n")
    command = [str(BIN / "octodns-sync"), "--config-file", "octodns.yaml", "--doit", "example.org."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    text = (published / "example.org.yaml").read_text()
    assert "192.0.2.80" in text and "mx1.example.org." in text
