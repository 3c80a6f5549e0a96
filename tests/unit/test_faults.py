"""Hosts that are down, hang, lie or are somebody else: told in words, and never a pass."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ironpost.compliance import inside, nameservers, outside, world, zone
from ironpost.compliance.collect import collect
from ironpost.compliance.common import common_to
from ironpost.compliance.judge import UNREADABLE
from ironpost.compliance.proof import Wanted
from ironpost.compliance.run import look, verify
from ironpost.controls import CONTROLS
from ironpost.errors import UnverifiableError
from ironpost.evidence.snapshot import Snapshot
from ironpost.fleet import Fleet
from ironpost.inventory import read_inventory
from tests.inventories import mailhost, write_inventory

CHANGED = "@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@\nHost key verification failed."
WHOLE = {"schema": 1, "release": "trixie", "end": True}


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """One mail host, which nobody looks at from outside."""
    # with a policy, so that no control may say that it is not concerned
    domain = 'Domain(name="example.org", users="users/example.org.toml", mta_sts="enforce")'
    return read_inventory(write_inventory(tmp_path, mailhost(domains=f"[{domain}]")))


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No question leaves this machine."""
    monkeypatch.setattr(nameservers, "resolvers", lambda addresses: [])


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A program that stands where ssh(1) is found and says what a host would make it say."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def saying(script: str) -> None:
        (folder / "ssh").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "ssh").chmod(0o755)

    return saying


def prints(text: str) -> str:
    return f"cat <<'END'\n{text}\nEND"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'connect to host: No route to host' >&2; exit 255", "cannot be reached over SSH: connect to host: No"),
        (f"echo '{CHANGED}' >&2; exit 255", "its host key is not the one that is known"),
        ("echo 'root@mx1: Permission denied (publickey).' >&2; exit 255", "the login is refused"),
        ("exit 255", "ssh exits 255 without a word"),
        ("echo 'sudo: a password is required' >&2; exit 1", "sudo does not work without a password"),
        ("echo 'sh: 1: python3: not found' >&2; exit 127", "there is no python3 on it"),
        ("echo 'OSError: [Errno 28] No space left on device' >&2; exit 1", "its disk is full"),
        ("exit 0", "cannot be looked at: it needs python3 and root"),
        ("head -c 3000 /dev/urandom", "cannot be looked at"),
        (prints("[[[[" * 20000), "cannot be looked at"),
        (prints('{"schema": 1, "release": "trixie", "postfix": {"main"'), "cannot be looked at"),
        (prints(json.dumps({"schema": 1, "release": "trixie"})), "cannot be looked at"),
        (prints(json.dumps(WHOLE | {"schema": 2})), "cannot be looked at"),
        (prints("[1, 2]"), "cannot be looked at"),
        (prints(json.dumps(WHOLE | {"release": "bookworm"})), "runs bookworm, not trixie; correct release="),
        (prints(json.dumps(WHOLE | {"release": ""})), "runs another system, not trixie"),
        ("exec sleep 60", "hangs: no answer within"),
        ('printf \'{"schema": 1, "release": "tri\'; exec sleep 60', "hangs: no answer within"),
    ],
)
def test_a_host_that_cannot_be_looked_at_says_why(
    fleet: Fleet, ssh: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    """One sentence with a remedy, in the place of every verdict from inside."""
    monkeypatch.setattr(inside, "SECONDS", 2)
    ssh(script)
    with pytest.raises(UnverifiableError) as refused:
        inside.snapshot(fleet.mailhosts[0])
    assert str(refused.value).startswith("mx1.example.org: ") and said in str(refused.value)


def test_a_login_that_talks_does_no_harm(fleet: Fleet, ssh: Callable[[str], None]) -> None:
    """Many a .bashrc greets."""
    ssh("echo 'Welcome to mx1!'\n" + prints(json.dumps(WHOLE)))
    assert inside.snapshot(fleet.mailhosts[0]).release == "trixie"


GARBAGE: list[Any] = [
    None, 0, "text", [], [1, 2], {"text": 7}, {"text": "\0\n=\n/ /\n{"}, {"rows": [{}]}, {"a": {"b": []}},
]  # fmt: skip


@pytest.mark.parametrize("garbage", GARBAGE, ids=repr)
def test_garbage_inside_a_whole_snapshot_is_unknown(fleet: Fleet, ssh: Callable[[str], None], garbage: Any) -> None:
    """A host that somebody else controls may send anything of the right outer form."""
    parts = ("postfix", "dovecot", "rspamd", "nftables", "listeners", "tls_files", "chain", "dkim_keys", "passwords")
    ssh(prints(json.dumps(WHOLE | dict.fromkeys((*parts, "sysctls", "packages", "place", "units"), garbage))))
    proof = verify(fleet, fleet.mailhosts)
    for each in proof.judged:
        assert each.inside is None or each.inside.state in ("unknown", "broken"), (each.control.id, each.inside)


@pytest.mark.parametrize(
    "printed",
    ["", "garbage", "[]", '{"addresses": {}}', '{"addresses": [], "sources": []}', '{"addresses": {}, "sources": []}'],
)
def test_a_vantage_point_that_prints_garbage_gives_no_evidence(fleet: Fleet, printed: str) -> None:
    """Nothing is concluded from it."""
    assert outside.read(printed, fleet.mailhosts[0]) is None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("127.0.0.1", "is the host itself"),
        ("::1", "is the host itself"),
        ("192.0.2.10", "is the host itself"),
        ("198.51.100.7", r"is on allowlist ssh \(198.51.100.0/24\)"),
        ("203.0.113.7", r"is on allowlist imap \(203.0.113.0/24\)"),
        ("192.0.2.77", r"is on relay_clients \(192.0.2.77/32\)"),
        ("fe80::1%eth0", None),
        ("192.0.2.78", None),
    ],
)
def test_there_is_no_verdict_from_a_place_that_is_trusted(tmp_path: Path, source: str, said: str | None) -> None:
    """From loopback, from an allowlist, or as a machine that may relay, one sees what a stranger does not."""
    nas = 'RelayClient(name="nas", domains=["example.org"], addresses=["192.0.2.77"])'
    allow = 'Allow(ssh=["198.51.100.0/24"], imap=["203.0.113.0/24"])'
    text = mailhost(ipv4='"192.0.2.10"', allow=allow, relay_clients=f"[{nas}]")
    path = write_inventory(tmp_path, text, before="from ironpost.settings import RelayClient")
    host = read_inventory(path).mailhosts[0]
    if said is None:
        outside.refuse_insiders(host, [source])
        return
    with pytest.raises(UnverifiableError, match=said):
        outside.refuse_insiders(host, ["192.0.2.78", source])
    with pytest.raises(UnverifiableError, match="not one connection came about"):
        outside.refuse_insiders(host, [])


def test_trouble_of_one_host_stays_its_own(tmp_path: Path, ssh: Callable[[str], None]) -> None:
    """The other one is looked at all the same, whatever the first one sends."""
    second = mailhost(name='"mx2.example.org"', ipv4='"127.0.0.2"')
    fleet = read_inventory(write_inventory(tmp_path, mailhost(), second))
    for trouble in ("head -c 3000 /dev/urandom", "exit 255", "kill -9 $$"):
        ssh(f'case "$*" in *mx1.example.org*) {trouble};; *) {prints(json.dumps(WHOLE))}\n;; esac')
        (_, one), (_, two) = look(fleet, fleet.mailhosts, lambda line: None, Wanted())
        assert isinstance(one.snapshot, UnverifiableError) and isinstance(two.snapshot, Snapshot)


def test_a_host_that_is_down_is_unknown_on_every_control(tmp_path: Path, ssh: Callable[[str], None]) -> None:
    """Not one control holds, and not one raises. This machine is the vantage point; nothing listens on it."""
    options = "vantage_points=[VantagePoint(local=True)]"
    fleet = read_inventory(write_inventory(tmp_path, mailhost(), options=options))
    ssh("echo 'connect to host 127.0.0.1 port 22: Connection refused' >&2; exit 255")
    proof = verify(fleet, fleet.mailhosts, wanted=Wanted("strict", deep=False))
    assert len(proof.judged) == len(CONTROLS)
    for each in proof.judged:
        if each.control.inventory is None:
            assert each.outcome in ("unknown", "not applicable"), (each.control.id, each.verdicts)
        for _, verdict in each.verdicts:
            assert not verdict.found.startswith(UNREADABLE), (each.control.id, verdict)


def test_a_fault_of_our_own_in_one_part_stays_in_that_part(
    fleet: Fleet, ssh: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other parts, and the other hosts, are looked at all the same."""
    ssh(prints(json.dumps(WHOLE)))

    def fault(*_: object) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr("ironpost.compliance.collect.zone", fault)
    with common_to(fleet, fleet.mailhosts) as common:
        evidence = collect(common, fleet.mailhosts[0], Wanted(), lambda line: None)
    assert evidence.snapshot.release == "trixie"  # type: ignore[union-attr]
    assert evidence.probes.zone_seen is None


def test_a_name_server_that_is_silent_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty questions to a dead server would take minutes."""
    monkeypatch.setattr(zone, "SECONDS", 0.3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.53", 0))
        monkeypatch.setattr(zone.dns.query, "udp_with_fallback", asking(deaf.getsockname()[1]))
        began = time.monotonic()
        servers = nameservers.NameServers({"example.org": ("127.0.0.53",)})
        for _ in range(5):
            found = zone.ask_all(servers, {(f"n{number}.example.org", "TXT") for number in range(40)})
            assert len(found) == 40 and all(each[0].error == zone.SILENT for each in found.values())
    assert servers.silent == {"127.0.0.53"} and time.monotonic() - began < 3


def test_a_dns_that_times_out_is_unknown(
    fleet: Fleet, ssh: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the name servers do not say does not hold, and each control says who is silent."""
    monkeypatch.setattr(zone, "SECONDS", 0.2)
    monkeypatch.setattr(nameservers, "authorities", lambda name, asked: ("127.0.0.53",))
    ssh(prints(json.dumps(WHOLE)))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.53", 0))
        monkeypatch.setattr(zone.dns.query, "udp_with_fallback", asking(deaf.getsockname()[1]))
        monkeypatch.setattr(world, "looked_at", lambda name, addresses: ())
        found = {each.control.id: each for each in verify(fleet, fleet.mailhosts).judged}
    for name in ("SPF-01", "SPF-02", "DMARC-01", "DNS-01", "DNS-02", "DMARC-04"):
        assert found[name].outside is not None and found[name].outcome == "unknown", found[name]
        assert zone.SILENT in found[name].outside.found, found[name]


def asking(port: int) -> Callable[..., Any]:
    real = zone.dns.query.udp_with_fallback

    def ask(query: Any, server: str, timeout: float) -> Any:
        return real(query, server, timeout=timeout, port=port)

    return ask


def test_a_name_server_that_answers_garbage_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it says, it did not answer."""
    monkeypatch.setattr(zone, "SECONDS", 0.3)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(2)

        def answer() -> None:
            for _ in range(zone.ATTEMPTS):
                data, peer = server.recvfrom(4096)
                server.sendto(data[:2] + b"\xff" * 40, peer)

        thread = threading.Thread(target=answer)
        thread.start()
        monkeypatch.setattr(zone.dns.query, "udp_with_fallback", asking(server.getsockname()[1]))
        assert zone.ask("127.0.0.1", "example.org", "TXT").error == zone.SILENT
        thread.join()
