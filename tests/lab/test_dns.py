"""Publication in real zones: ours appears everywhere, what is not ours stays, and each failure is one sentence."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.message
import dns.name
import dns.query
import dns.reversename
import dns.tsigkeyring
import dns.update
import pytest

from ironpost.lab import Lab
from tests.lab.deployment import run_command, succeed
from tests.lab.inventories import variant
from tests.lab.sabotage.signing import selector as signing_selector

INVENTORY = "inventories/lab.py"
APPLY = ("ironpost", "dns", "apply", INVENTORY)
PLAN = ("ironpost", "dns", "plan", INVENTORY)
SPF = ("example.org", "TXT", "v=spf1 mx -all")


def update(lab: Lab, zone: str, *edits: tuple[str, str, str | None]) -> None:
    """Changes the zone with the operator's key, as another tool of theirs would: (name, type, value or None)."""
    key = lab.tsig(zone)
    message = dns.update.UpdateMessage(zone, keyring=dns.tsigkeyring.from_text({key.name: key.secret}))
    message.use_tsig(dns.tsigkeyring.from_text({key.name: key.secret}), algorithm=dns.name.from_text(key.algorithm))
    for name, rtype, value in edits:
        message.delete(dns.name.from_text(name), rtype)
        if value is not None:
            message.add(dns.name.from_text(name), 300, rtype, value)
    assert dns.query.tcp(message, lab.name_servers[0], timeout=10).rcode() == 0


def disown(lab: Lab, zone: str, row: str) -> None:
    """Takes one row out of the registry; all others stay, so that later tests find theirs to be ours."""
    key = lab.tsig(zone)
    message = dns.update.UpdateMessage(zone)
    message.use_tsig(dns.tsigkeyring.from_text({key.name: key.secret}), algorithm=dns.name.from_text(key.algorithm))
    message.delete(dns.name.from_text(f"_ironpost.{zone}"), "TXT", f'"{row}"')
    assert dns.query.tcp(message, lab.name_servers[0], timeout=10).rcode() == 0


def shown(server: str, name: str, rtype: str) -> set[str]:
    answer = dns.query.tcp(dns.message.make_query(name, rtype), server, timeout=5)
    return {row.to_text().strip('"') for rrset in answer.answer for row in rrset}


def plan(lab: Lab) -> dict[str, Any]:
    done = run_command(lab, *PLAN, "--json", "-")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def restored(published: Lab) -> Iterator[Lab]:
    """The zones, put back to what the fleet wants after the test."""
    yield published
    succeed(published, *APPLY, "--insist")


def test_a_second_plan_is_empty(published: Lab) -> None:
    """The tool reads what it wrote the way it meant it."""
    done = run_command(published, *PLAN, "--exit-code")
    assert done.returncode == 0, done.stdout
    assert "nothing to do" in done.stdout


def test_every_server_shows_what_was_published(published: Lab) -> None:
    """Half of the world asks the secondary."""
    for server in published.name_servers:
        assert SPF[2] in shown(server, *SPF[:2])
        assert shown(server, "example.org", "MX") == {"10 mx1.example.org."}
        assert shown(server, "_dmarc.example.org", "TXT") == {"v=DMARC1; p=reject; rua=mailto:alice@example.org"}
    assert succeed(published, "ironpost", "dns", "check", INVENTORY, "--quiet", "--wait", "60") == ""


def test_somebody_elses_spf_waits_and_can_be_merged(restored: Lab) -> None:
    """The newsletter service goes on passing SPF, whatever happens first."""
    theirs = ("example.org", "TXT", '"v=spf1 include:example.net ~all"')
    registry = shown(restored.name_servers[0], "_ironpost.example.org", "TXT")
    assert any("set=example.org/TXT/spf" in row for row in registry)
    update(restored, "example.org", theirs)
    disown(restored, "example.org", next(row for row in registry if "set=example.org/TXT/spf" in row))
    done = run_command(restored, *APPLY)
    assert done.returncode == 1 and "waits for --adopt, --merge or --keep" in done.stdout
    assert "v=spf1 include:example.net ~all" in shown(restored.name_servers[0], "example.org", "TXT")
    succeed(restored, *APPLY, "--merge", "example.org/TXT")
    assert shown(restored.name_servers[0], "example.org", "TXT") == {"v=spf1 include:example.net mx ~all"}
    # and back, so that the fleet's own policy stands again
    succeed(restored, *APPLY, "--adopt", "example.org/TXT")


def test_what_is_not_ours_is_untouched(restored: Lab) -> None:
    """Web sites, calendars and other people's proofs live in the same zone."""
    update(restored, "example.org", ("www.example.org", "A", "192.0.2.80"))
    succeed(restored, *APPLY)
    assert shown(restored.name_servers[0], "www.example.org", "A") == {"192.0.2.80"}
    update(restored, "example.org", ("www.example.org", "A", None))


def test_a_wrong_secret_is_one_clear_sentence(published: Lab, tmp_path: Path) -> None:
    """And the sentence does not hold the secret."""
    wrong = tmp_path / "wrong"
    wrong.touch(mode=0o600)
    wrong.write_text("bm90IHRoZSBzZWNyZXQgYnV0IGJhc2U2NCBlbm91Z2g=\n")
    inventory = variant(tmp_path, ("Secret.file(key.secret_file)", f"Secret.file({str(wrong)!r})"))
    update(published, "example.org", ("_dmarc.example.org", "TXT", None))
    done = run_command(published, "ironpost", "dns", "apply", inventory)
    assert done.returncode == 1
    assert "does not accept the key" in done.stdout
    assert "Traceback" not in done.stdout and "bm90IHRoZSBz" not in done.stdout
    succeed(published, *APPLY)


def test_a_key_without_rights_is_one_clear_sentence(published: Lab, tmp_path: Path) -> None:
    """A key for another zone is the usual mistake of copying."""
    inventory = variant(tmp_path, ("key = _lab.tsig(domain)", 'key = _lab.tsig("example.com")'))
    update(published, "example.org", ("_dmarc.example.org", "TXT", None))
    done = run_command(published, "ironpost", "dns", "apply", inventory)
    assert done.returncode == 1
    assert "refuses the update with the key" in done.stdout and "Traceback" not in done.stdout
    succeed(published, *APPLY)


@contextlib.contextmanager
def stopped(lab: Lab, host: str, unit: str) -> Iterator[None]:
    lab.run(host, f"systemctl stop {unit}")
    try:
        yield
    finally:
        lab.run(host, f"systemctl start {unit}")


def test_a_server_that_is_down_is_told_and_a_second_apply_finishes(published: Lab) -> None:
    """One secondary in maintenance is a normal day."""
    update(published, "example.org", ("_dmarc.example.org", "TXT", None))
    with stopped(published, "ns2", "knot"):
        done = run_command(published, *APPLY)
        assert done.returncode in (1, 4)
        assert "the name server does not answer" in done.stdout and "Traceback" not in done.stdout
    succeed(published, *APPLY)
    # What it missed while it was down it asks for within the hour of its SOA; an operator does not wait so long.
    published.run("ns2", "knotc zone-refresh")
    succeed(published, "ironpost", "dns", "check", INVENTORY, "--quiet", "--wait", "60")


def test_a_host_that_cannot_be_read_keeps_its_keys(published: Lab) -> None:
    """Unknown is not absent."""
    name = f"{signing_selector(published, 'mx1', 'rsa')}._domainkey.example.org"
    before = shown(published.name_servers[0], name, "TXT")
    with stopped(published, "mx1", "ssh"):
        done = run_command(published, *APPLY)
        assert done.returncode == 4, done.stdout
        assert f"? {name} TXT" in done.stdout
    assert before and shown(published.name_servers[0], name, "TXT") == before


def test_mx_waits_until_the_host_has_answered(restored: Lab) -> None:
    """An MX that leads nowhere loses mail; the addresses and keys may come first."""
    update(restored, "example.org", ("example.org", "MX", None), ("_dmarc.example.org", "TXT", None))
    unit = "postfix"
    with stopped(restored, "mx1", unit):
        done = run_command(restored, *APPLY)
        assert done.returncode == 1
        assert "example.org MX held back: mx1.example.org: port 25" in done.stdout
        assert shown(restored.name_servers[0], "example.org", "MX") == set()
        assert shown(restored.name_servers[0], "_dmarc.example.org", "TXT")
    succeed(restored, *APPLY)
    assert shown(restored.name_servers[0], "example.org", "MX") == {"10 mx1.example.org."}


def test_pointers_are_published_in_the_reverse_zone(published: Lab) -> None:
    """Receivers refuse hosts without one."""
    for name in ("mx1", "mx2"):
        host = published.host(name)
        for address in (host.ipv4, host.ipv6):
            pointer = dns.reversename.from_address(address).to_text()
            assert shown(published.name_servers[0], pointer, "PTR") == {f"{host.fqdn}."}


def test_pyinfra_publishes_once_for_the_whole_fleet(restored: Lab) -> None:
    """deploys/dns.py is for those who already run everything through pyinfra."""
    update(restored, "example.org", ("_dmarc.example.org", "TXT", None))
    dry = succeed(restored, "pyinfra", INVENTORY, "deploys/dns.py", "--dry")
    assert "_dmarc.example.org TXT" in dry
    assert shown(restored.name_servers[0], "_dmarc.example.org", "TXT") == set()
    text = succeed(restored, "pyinfra", INVENTORY, "deploys/dns.py", "-y")
    assert text.count("example.org: 1 record set published") == 1
    again = succeed(restored, "pyinfra", INVENTORY, "deploys/dns.py", "-y")
    assert "No changes" in again and "published" not in again


@pytest.mark.soak
def test_what_one_dns_message_cannot_hold_is_published_and_withdrawn(restored: Lab, tmp_path: Path) -> None:
    """Two hundred parked domains, or fifty new hosts: 65,535 bytes are soon too few (RFC 1035 §4.2.2)."""
    parked = '    parked=[Parked(name="parked.example.org", dns=_updates("example.org"))],\n'
    named = 'Parked(name=f"p{number}.example.org", dns=_updates("example.org"))'
    more = parked.replace("],", f", *({named} for number in range(200))],")
    inventory = variant(tmp_path, (parked, more))
    try:
        assert "example.org: 800 record sets published" in succeed(restored, "ironpost", "dns", "apply", inventory)
        for server in restored.name_servers:
            for name in ("p0", "p199"):
                assert shown(server, f"{name}.example.org", "TXT") == {"v=spf1 -all"}
        assert "nothing to do" in succeed(restored, "ironpost", "dns", "plan", inventory).splitlines()[-1]
    finally:
        for number in range(200):
            name = f"p{number}.example.org"
            names = (name, f"_dmarc.{name}", f"*._domainkey.{name}", f"_ironpost.{name}")
            update(restored, "example.org", *((each, rtype, None) for each in names for rtype in ("MX", "TXT")))
