"""The test network itself: what every other lab test stands on. It is tried on a lab of its own, which may be hurt."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.reversename
import dns.tsigkeyring
import dns.update
import pytest

from ironpost.lab import Lab, LabError, down, up
from ironpost.lab.network import namespaces
from ironpost.lab.state import INOTIFY
from ironpost.lab.trust import reverse_zones, zone_names

ELSEWHERE = "192.0.2.1"  # RFC 5737: documentation only, and not the lab's


@pytest.fixture(scope="module")
def spare() -> Iterator[Lab]:
    """A third lab, whose hosts these tests kill."""
    yield up("test-spare")
    down("test-spare")


def ask(server: str, name: str, kind: str, *, checking: bool = True) -> dns.message.Message:
    """One query with DNSSEC wanted; without `checking`, the answer is wanted even if it is bogus."""
    query = dns.message.make_query(name, kind, want_dnssec=True)
    query.flags |= dns.flags.AD | (0 if checking else dns.flags.CD)
    answer, _ = dns.query.udp_with_fallback(query, server, timeout=5)
    return answer


def change(lab: Lab, zone: str, name: str, key_of: str | None, kind: str = "TXT", value: str = "here") -> str:
    """Sends an update for one record to the first name server and returns the answer's code."""
    ring = None
    if key_of:
        key = lab.tsig(key_of)
        ring = dns.tsigkeyring.from_text({key.name: (key.algorithm, key.secret)})
    update = dns.update.UpdateMessage(zone, keyring=ring)
    update.replace(name, 60, kind, value)
    with socket.create_connection((lab.name_servers[0], 53), timeout=5) as connection:
        connection.setblocking(False)
        dns.query.send_tcp(connection, update.to_wire(), time.time() + 5)
        # Knot signs no refusal, so the answer's signature is not asked for.
        answer, _ = dns.query.receive_tcp(connection, time.time() + 5, keyring=False)
    return dns.rcode.to_text(answer.rcode())


# What belongs to a lab bears its address slot or its name; other labs come and go beside these tests.
MARK = re.compile(
    r"\biplab(?P<bridge>\d+)|\bil(?P<link>\d+)v|\b198\.18\.(?P<v4>\d+)\.|2001:db8:18(?P<v6>[0-9a-f]{2}):|/lab/(?P<name>[^/]+)/"
)


def belongs_to_another(entry: str, lab: Lab) -> bool:
    found = MARK.search(entry)
    if not found:
        return False
    for kind, base, unit in (("bridge", 10, 1), ("link", 10, 1), ("v4", 10, 16), ("v6", 16, 1)):
        if found[kind]:
            return int(found[kind], base) // unit != lab.plan.slot
    return found["name"] != lab.name


def machine_state() -> dict[str, list[str]]:
    """What a lab could leave behind on the machine."""
    return {
        "links": sorted(line.split()[1] for line in _lines(["ip", "-o", "link"])),
        "IPv4 routes": sorted(" ".join(line.split()[:4]) for line in _lines(["ip", "-4", "route"])),
        "IPv6 routes": sorted(" ".join(line.split()[:4]) for line in _lines(["ip", "-6", "route"])),
        "mounts": sorted(line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()),
        "namespaces": sorted(path.name for path in Path("/run/netns").glob("*")),
        "machines": sorted(str(path) for path in Path("/run/systemd/nspawn").glob("*/*")),
        "cgroups": sorted(str(path) for path in Path("/sys/fs/cgroup").glob("**/ironpost-lab/*/")),
        "inotify": [INOTIFY.read_text()],
    }


def without_others(state: dict[str, list[str]], lab: Lab) -> dict[str, list[str]]:
    """The same without what belongs to labs other than this one."""
    return {what: [entry for entry in entries if not belongs_to_another(entry, lab)] for what, entries in state.items()}


def _lines(command: list[str]) -> list[str]:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def answers(server: str) -> bool:
    try:
        dns.query.udp(dns.message.make_query(".", "SOA"), server, timeout=1)
    except (dns.exception.Timeout, OSError):
        return False
    return True


def test_each_mail_host_is_a_running_debian_of_its_release(spare: Lab, mailhost: str) -> None:
    """A container that only pretends would hide what systemd does with the services."""
    spare.reset(mailhost)
    said = spare.run(mailhost, "systemctl is-system-running --wait; . /etc/os-release; echo $VERSION_CODENAME; id -u")
    assert said.stdout.split() == ["running", spare.host(mailhost).release, "0"]


def test_each_mail_host_is_as_bare_as_a_rented_server(spare: Lab, mailhost: str) -> None:
    """What a deploy needs, a deploy installs: Python is not there, and SSH alone listens."""
    spare.reset(mailhost)
    listening = spare.run(mailhost, "ss -Hltun | awk '{print $5}'").stdout.split()
    assert sorted(listening) == ["0.0.0.0:22", "[::]:22"]
    assert spare.run(mailhost, "command -v python3 postfix nft", check=False).stdout == ""


def test_packages_install_offline_from_the_signed_repository(spare: Lab, mailhost: str) -> None:
    """Installs in the lab are real ones, with signatures checked."""
    sources = spare.run(mailhost, "cat /etc/apt/sources.list.d/* /etc/apt/sources.list 2>/dev/null", check=False)
    assert sources.stdout.count("deb ") == 1
    assert "signed-by=" in sources.stdout and "trusted" not in sources.stdout
    spare.run(mailhost, "apt-get update -q && apt-get install -y -q --no-install-recommends nftables", timeout=120)
    assert spare.run(mailhost, "nft list ruleset").stdout == ""


def test_a_reset_host_forgets_everything_but_its_ssh_key(spare: Lab, mailhost: str) -> None:
    """A test starts from the same host each time, and known_hosts stays true."""
    spare.run(mailhost, "touch /etc/left-behind")
    spare.reset(mailhost)
    assert spare.run(mailhost, "test -e /etc/left-behind", check=False).returncode == 1


def test_what_was_written_survives_a_pulled_plug(spare: Lab, mailhost: str) -> None:
    """A mail host that dies keeps its queue; the tests of half-done deploys need a disk that is one."""
    spare.run(mailhost, "echo kept > /var/lib/mark")
    spare.kill(mailhost)
    assert not spare.alive(mailhost)
    spare.power_on(mailhost)
    assert spare.run(mailhost, "cat /var/lib/mark").stdout == "kept\n"


def test_an_orderly_power_off_ends_every_service(spare: Lab, mailhost: str) -> None:
    """Stop jobs run, so that daemons write what they hold."""
    stopping = "-p Type=oneshot -p RemainAfterExit=yes -p 'ExecStop=/bin/touch /var/lib/stopped'"
    spare.run(mailhost, f"systemd-run --unit=witness {stopping} true")
    spare.power_off(mailhost)
    assert not spare.alive(mailhost)
    spare.power_on(mailhost)
    spare.run(mailhost, "test -e /var/lib/stopped")


def test_firewall_rules_do_not_survive_a_power_cycle(spare: Lab, mailhost: str) -> None:
    """On real hardware the kernel forgets them; a host that comes back open must be seen here."""
    spare.run(mailhost, "command -v nft || apt-get update -q && apt-get install -y -q nftables", timeout=120)
    spare.run(mailhost, "nft add table inet witness")
    spare.kill(mailhost)
    spare.power_on(mailhost)
    assert "witness" not in spare.run(mailhost, "nft list ruleset").stdout


def test_both_name_servers_answer_for_every_zone(spare: Lab) -> None:
    """Over IPv4 and IPv6; the second has only what it transferred."""
    for server in spare.name_servers:
        for zone in zone_names(spare.plan):
            answer = ask(server, zone, "SOA")
            assert answer.flags & dns.flags.AA, f"{server} is not authoritative for {zone}"
            assert {"SOA", "RRSIG"} <= {dns.rdatatype.to_text(rrset.rdtype) for rrset in answer.answer}


def test_the_resolver_validates_from_the_labs_own_root(spare: Lab) -> None:
    """DANE is only as good as the resolver: the AD flag says that every signature held."""
    answer = ask(spare.resolver, "mail.example.net", "A")
    assert answer.flags & dns.flags.AD
    assert answer.answer[0][0].to_text() == spare.host("outside").ipv4


def test_the_resolver_refuses_what_is_signed_by_nobody(spare: Lab) -> None:
    """With a wrong DS at the parent, a zone is bogus, and a validating resolver must not pass it on."""
    parent = "knotc -f zone-begin com; knotc zone-unset com example.com. DS; knotc zone-set com example.com. 5 DS"
    spare.run("ns1", f"{parent} 1 13 2 {'00' * 32}; knotc zone-commit com")
    flush = "unbound-control flush_zone com"
    assert eventually(lambda: spare.run("resolver", flush) and ask(spare.resolver, "example.com", "SOA").rcode() == 2)
    assert ask(spare.resolver, "example.com", "SOA", checking=False).rcode() == dns.rcode.NOERROR


def eventually(holds: object, seconds: float = 15) -> bool:
    """Whether it holds within some seconds; asked twice a second."""
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.5)
    return False


def test_a_key_changes_its_own_zone_and_both_servers_show_it(spare: Lab) -> None:
    """RFC 2136 with TSIG is how records are published."""
    assert change(spare, "example.org", "witness.example.org.", "example.org") == "NOERROR"
    for server in spare.name_servers:
        assert eventually(lambda at=server: ask(at, "witness.example.org", "TXT").answer), server


@pytest.mark.parametrize(
    ("zone", "name", "key_of"),
    [
        pytest.param("example.com", "witness.example.com.", "example.org", id="another operator's zone"),
        pytest.param("org", "other.org.", "example.org", id="the parent zone"),
        pytest.param("example.org", "unsigned.example.org.", None, id="without a key"),
    ],
)
def test_a_key_changes_nothing_beyond_its_own_names(spare: Lab, zone: str, name: str, key_of: str | None) -> None:
    """Otherwise the lab would let a mistake pass that a real provider refuses."""
    assert change(spare, zone, name, key_of) in ("REFUSED", "NOTAUTH")
    assert not ask(spare.name_servers[0], name, "TXT").answer


def test_a_key_changes_its_own_hosts_pointers_only(spare: Lab) -> None:
    """The reverse zone is shared by all operators."""
    zone = reverse_zones(spare.plan)[0]
    own, other = (dns.reversename.from_address(spare.host(name).ipv4).to_text() for name in ("mx1", "mx2"))
    assert change(spare, zone, own, "example.org", "PTR", "mx1.example.org.") == "NOERROR"
    assert change(spare, zone, other, "example.org", "PTR", "mx1.example.org.") in ("REFUSED", "NOTAUTH")


def test_a_host_has_no_way_out(spare: Lab, mailhost: str) -> None:
    """Nothing leaves the machine, nor does it reach the lab beside it."""
    for address in (ELSEWHERE, "2001:db8:ffff::1", "198.18.0.1"):
        tried = spare.run(mailhost, f"ip route get {address}", check=False)
        assert tried.returncode != 0 and "unreachable" in tried.stderr.lower()


def test_the_machine_never_sends_the_labs_packets_elsewhere(spare: Lab) -> None:
    """With the bridge gone, the default route would take them."""
    bridge = spare.plan.bridge
    subprocess.run(["ip", "link", "set", bridge, "down"], check=True)
    try:
        for address in (spare.host("mx1").ipv4, spare.host("mx1").ipv6):
            tried = subprocess.run(["ip", "route", "get", address], capture_output=True, text=True)
            assert tried.returncode != 0, tried.stdout
    finally:
        up("test-spare")
    assert answers(spare.name_servers[0])


def test_up_revives_a_host_that_died(spare: Lab) -> None:
    """Whatever ended it."""
    spare.kill("ns2")
    assert not answers(spare.host("ns2").ipv4)
    up("test-spare")
    assert answers(spare.host("ns2").ipv4)


def test_up_mends_a_lab_that_lost_its_wires(spare: Lab) -> None:
    """The bridge deleted under the hosts' feet is what a half-done clean-up looks like."""
    subprocess.run(["ip", "link", "delete", spare.plan.bridge], check=True)
    up("test-spare")
    assert spare.run("mx2", "id -u").stdout == "0\n"
    assert ask(spare.resolver, "mail.example.net", "A").answer


def test_up_on_a_running_lab_changes_nothing(spare: Lab) -> None:
    """It is safe to say again."""
    before = spare.run("mx1", "cat /proc/sys/kernel/random/boot_id; ps -o lstart= -p 1", check=False).stdout
    up("test-spare")
    assert spare.run("mx1", "cat /proc/sys/kernel/random/boot_id; ps -o lstart= -p 1", check=False).stdout == before


def test_a_command_that_fails_is_told_in_one_sentence(spare: Lab) -> None:
    """Who reads it wants the host, the command and what it said."""
    with pytest.raises(LabError, match=r"mx1\.example\.org: `ls /nowhere` ended with 2: .*No such file"):
        spare.run("mx1", "ls /nowhere")


def test_down_leaves_nothing_behind(spare: Lab) -> None:
    """No process, mount, namespace, link, route or setting; another lab beside it goes on."""
    before = machine_state()
    passing = up("test-passing")
    passing.kill("mx1")
    down("test-passing")
    assert without_others(machine_state(), passing) == without_others(before, passing)
    assert namespaces(passing.plan) == []
    assert not passing.directory.exists()
    assert answers(spare.name_servers[0])


@pytest.mark.parametrize("seconds", [0.6, 1.0, 1.6])
def test_up_heals_what_a_killed_up_left(spare: Lab, seconds: float) -> None:
    """A lab that died half-way is mended by saying the same again, and `down` finds all of it."""
    before = machine_state()
    command = [sys.executable, "-m", "ironpost", "lab", "up", "--name", "test-passing", "--quiet"]
    with subprocess.Popen(command, start_new_session=True) as started:
        time.sleep(seconds)
        started.kill()
    passing = up("test-passing")
    assert all(passing.healthy(host) for host in passing.hosts)
    assert ask(passing.resolver, "mail.example.net", "A").flags & dns.flags.AD
    down("test-passing")
    assert without_others(machine_state(), passing) == without_others(before, passing)


def test_a_running_lab_grows_and_keeps_what_was_published(spare: Lab) -> None:
    """Hosts that join get names, and the records that operators have published since stay."""
    assert change(spare, "example.com", "kept.example.com.", "example.com") == "NOERROR"
    larger = up("test-spare", 2)
    assert ask(larger.resolver, "bare2.stranger.example", "A").answer[0][0].to_text() == larger.host("bare2").ipv4
    assert ask(larger.name_servers[0], "kept.example.com", "TXT").answer
    assert larger.run("bare2", "cat /etc/debian_version").stdout.startswith("12.")


@pytest.mark.soak
def test_fifty_bare_hosts_are_up_in_a_minute() -> None:
    """The size at which benchmarks of whole fleets are run."""
    started = time.monotonic()
    fifty = up("test-fifty", 50)
    took = time.monotonic() - started
    try:
        assert all(fifty.healthy(host) for host in fifty.hosts)
        assert took < 60
    finally:
        down("test-fifty")
