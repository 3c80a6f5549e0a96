"""DNS on a bad day, with the lab's real servers: each fault ends in one sentence, and heals."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import dns.rdatatype
import dns.resolver
import dns.zone

from ironpost.lab import Lab
from tests.lab.deployment import BIN, run_command, succeed
from tests.lab.inventories import variant
from tests.lab.test_dns import APPLY, INVENTORY, PLAN, shown, update

CHECK = ("ironpost", "dns", "check", INVENTORY)
DMARC = ("_dmarc.example.org", "TXT", '"v=DMARC1; p=reject; rua=mailto:alice@example.org"')


@contextlib.contextmanager
def cut_off(lab: Lab, zone: str = "example.org") -> Iterator[None]:
    """ns2 hears of changes and cannot fetch them; it goes on answering everybody else."""
    primary = lab.host("ns1")
    both = f"blackhole {primary.ipv4}/32", f"blackhole {primary.ipv6}/128"
    lab.run("ns2", f"ip route add {both[0]} && ip -6 route add {both[1]}")
    try:
        yield
    finally:
        lab.run("ns2", f"ip route del {both[0]}; ip -6 route del {both[1]}; knotc zone-refresh {zone}")


def test_a_secondary_that_lags_is_waited_for(published: Lab) -> None:
    """An old serial is told with both numbers; nothing is wrong, and nothing is proven either: exit 4."""
    update(published, "example.org", (*DMARC[:2], None))
    while shown(published.name_servers[1], *DMARC[:2]):
        time.sleep(0.1)
    with cut_off(published):
        update(published, "example.org", DMARC)
        done = run_command(published, *CHECK, "--limit", "example.org", "--json", "-")
        assert done.returncode == 4, done.stdout
        rows = [row for row in json.loads(done.stdout[: done.stdout.rindex("}") + 1])["results"] if row["server"]]
        lagging = {row["server"] for row in rows if "has serial" in row["what"]}
        assert lagging == {published.host("ns2").ipv4, published.host("ns2").ipv6}
        assert {row["state"] for row in rows} == {"waiting"}
    assert "signed and validated" in succeed(published, *CHECK, "--wait", "60")


def test_a_clock_that_is_off_by_an_hour_is_one_clear_sentence(published: Lab) -> None:
    """A signature is good for five minutes; the key itself is right, and nobody should look for it."""
    program = shutil.which("faketime")
    assert program, "faketime is missing; `make host-packages` installs it"
    update(published, "example.org", (*DMARC[:2], None))
    done = run_command(published, program, "-f", "-1h", str(BIN / "ironpost"), *APPLY[1:])
    assert done.returncode == 1, done.stdout
    assert "does not accept when this was signed (TSIG BADTIME)" in done.stdout
    assert "set it by NTP" in done.stdout and "Traceback" not in done.stdout
    succeed(published, *APPLY)


def test_a_zone_file_to_paste_holds_what_the_servers_show(published: Lab) -> None:
    """Read by dnspython's own reader of zone files, long keys and all."""
    text = succeed(published, *PLAN, "--format", "zone", "--limit", "example.com")
    soa = "example.com. 300 IN SOA a. b. 1 1 1 1 1\nexample.com. 300 IN NS a.\n"
    pasted = dns.zone.from_text(f"$ORIGIN example.com.\n{soa}{text}", origin="example.com.", relativize=False)
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [published.resolver]
    places = [(name, rdataset) for name, rdataset in pasted.iterate_rdatasets() if rdataset.rdtype not in (2, 6)]
    assert len(places) > 20
    for name, rdataset in places:
        assert resolver.resolve(name, rdataset.rdtype, lifetime=10).rrset == rdataset, name


def test_a_domain_that_is_published_by_hand_is_compared_with_public_dns(published: Lab, tmp_path: Path) -> None:
    """Nothing may be pending where everything was pasted; what was not is named, and the pointer asked for."""
    pointers = ("        reverse_dns=_updates(domain),\n", "")
    inventory = variant(tmp_path, pointers, ("dns=_updates(domain),\n", "dns=None,\n"))
    text = succeed(published, "ironpost", "dns", "plan", inventory)
    assert "example.org (no dns= in the inventory: publish these by hand)" in text
    assert not [line for line in text.splitlines() if line.startswith(("  + ", "  ! "))], text
    assert "ask the provider" not in text  # the pointers stand, whoever set them
    update(published, "example.org", ("_imaps._tcp.example.org", "SRV", None))
    checked = run_command(published, "ironpost", "dns", "check", inventory, "--limit", "example.org")
    assert checked.returncode == 1
    assert "_imaps._tcp.example.org SRV: shows nothing; publish what is wanted there" in checked.stdout
    succeed(published, *APPLY)


def test_a_pointer_that_is_missing_is_asked_for_in_words(published: Lab, tmp_path: Path) -> None:
    """The operator copies them into the provider's form."""
    elsewhere = ("ipv4=host.ipv4", 'ipv4="198.18.255.9" if name == "mx1" else host.ipv4')
    inventory = variant(tmp_path, ("        reverse_dns=_updates(domain),\n", ""), elsewhere)
    text = run_command(published, "ironpost", "dns", "plan", inventory, "--limit", "mx1.example.org").stdout
    assert "Please set the reverse DNS (PTR) of 198.18.255.9 to mx1.example.org, and to nothing else." in text
    assert "9.255.18.198.in-addr.arpa. 300 IN PTR mx1.example.org." in text
