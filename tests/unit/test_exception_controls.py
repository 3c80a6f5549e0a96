"""Controls of exceptions, traces, secrets and drift that the test network cannot show, on evidence made by hand."""

from __future__ import annotations

import datetime
import hashlib
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ironpost.compliance.judge import Evidence
from ironpost.compliance.programs.snap import drift, leaks
from ironpost.compliance.run import compared
from ironpost.controls import exceptions, filter, secrets, traces
from ironpost.evidence.letters import Letter, Letters
from ironpost.evidence.probes import Probes
from ironpost.evidence.snapshot import Snapshot
from ironpost.evidence.told import Told
from ironpost.settings import Granted
from ironpost.settings.operators import login_key
from tests.unit.test_further_controls import KEY, Host, inside


@pytest.mark.parametrize(
    ("rule", "good"),
    [
        ({"authenticated": True, "apply": {"actions": {"reject": None}}}, True),
        ({"ip": ["127.0.0.0/8", "::1"], "apply": {"actions": {"reject": None}}}, True),
        ({"ip": ["127.0.0.0/8", "192.0.2.0/24"], "apply": {"actions": {"reject": None}}}, False),
        ({"from": "@partner.example", "want_spam": True}, False),
        ({"from": "@partner.example", "apply": {"groups_disabled": ["rbl"]}}, True),
        ({"from": "@partner.example", "apply": {"groups_disabled": ["policies"]}}, False),
        ({"from": "@partner.example", "apply": {"symbols_disabled": ["DMARC_CHECK"]}}, False),
        ({"from": "@partner.example", "apply": {"symbols_disabled": ["RBL_X"]}}, True),
    ],
)
def test_a_friend_passes_over_reputation_at_most(rule: dict[str, Any], good: bool) -> None:
    """What helps one partner is what a forger of that partner uses."""
    modules = {
        "settings": {"one": rule},
        "force_actions": {},
        "multimap": {},
        "options": {"local_addrs": ["127.2.4.7"]},
    }
    raw = {"rspamd": {name: {"text": json.dumps(value)} for name, value in modules.items()}}
    assert inside(exceptions.FriendsAreCheckedToo, raw)[0] == ("holds" if good else "broken")


RECEIVED = "by mx1.example.org (Postfix) with ESMTPSA id 4jZ2zp1wvlz2QJH5 for <x@example.com>; Wed, 25 Nov 2026"


def written(*fields: tuple[str, str]) -> Probes:
    letter = Letter("x@example.com", "INBOX", "", (), (), fields)
    return Probes({"addresses": {}}, letters_seen=Letters({"written": letter, "forged": letter}, {}))


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ((("Received", RECEIVED),), "holds"),
        ((("Received", f"from mx2 (mx2 [192.0.2.1]) {RECEIVED}"),), "holds"),
        ((("Received", f"from laptop (unknown [198.51.100.9]) {RECEIVED}"),), "broken"),
        ((("Received", f"from laptop (unknown [IPv6:2001:db8:5::9]) {RECEIVED}"),), "broken"),
        ((("Received", RECEIVED), ("User-Agent", "Mutt")), "broken"),
        ((("Subject", "none"),), "broken"),
    ],
)
def test_a_letter_does_not_tell_where_it_was_written(fields: tuple[tuple[str, str], ...], state: str) -> None:
    """One Received field of ours stays, without the author's machine (RFC 5321 §4.4)."""
    assert traces.AuthorsAreNotTraced().outside(Host(), written(*fields)).state == state  # type: ignore[arg-type]


@pytest.mark.parametrize(("identity", "state"), [("4jZ2zp1wvlz2QJH5", "holds"), ("3F2A1C00B7", "broken")])
def test_a_queue_id_stays_its_own(identity: str, state: str) -> None:
    """Short ones are those of an inode, and come again."""
    field = f"from a (a [198.51.100.9]) by mx1.example.org (Postfix) with ESMTP id {identity} for <x@example.com>"
    assert traces.LettersCanBeFollowed().outside(Host(), written(("Received", field))).state == state  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"x -----BEGIN EC PRIVATE KEY----- y", True),
        (b"PASS=$argon2id$v=19$m=65536,t=3,p=1$YWJj$ZGVm", True),
        (b"root:$y$j9T$abcdefghijklmnop$0123456789abcdefghij:1", True),
        (b"-----BEGIN CERTIFICATE-----", False),
        (b"path=$HOME/bin:$1", False),
    ],
)
def test_secrets_are_known_by_their_form(text: bytes, found: bool) -> None:
    """Keys and hashes, and not what merely stands beside them."""
    assert leaks.leaks(text) is found


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "is a private key"),
        (f'command="true" {KEY}', "is not a public key"),
        (f"{KEY}\nssh-ed25519 AAAA", "is not a public key"),
        (KEY.replace("AAAAC3", "AAAAC4"), "is cut short or mixed up"),
        ("ssh-dss AAAAB3NzaC1kc3M= anna", "is not a public key"),
    ],
)
def test_what_is_no_public_key_is_told(line: str, said: str) -> None:
    """Two keys in one text would be two lines in the file, and a private one must not be in an inventory."""
    with pytest.raises(ValueError, match=said):
        login_key(line)


def keys_of(tls: str, signing: str, ssh: str) -> dict[str, Any]:
    files = {"postfix": [{"path": "/k", "public": tls}], "dovecot": [{"path": "/k", "public": tls}]}
    own = [{"kind": "ssh-ed25519", "fingerprint": ssh}]
    return {"tls_files": files, "dkim_keys": [{"public": signing}], "login keys": {"files": [], "of the host": own}}


@pytest.mark.parametrize(
    ("first", "second", "state"),
    [
        (keys_of("a", "b", "c"), keys_of("d", "e", "f"), "holds"),
        (keys_of("a", "b", "c"), keys_of("a", "e", "f"), "broken"),
        (keys_of("a", "b", "c"), keys_of("d", "b", "f"), "broken"),
        (keys_of("a", "b", "c"), keys_of("d", "e", "c"), "broken"),
        (keys_of("a", "a", "c"), keys_of("d", "e", "f"), "broken"),
    ],
)
def test_each_key_is_for_one_use_on_one_host(first: dict[str, Any], second: dict[str, Any], state: str) -> None:
    """A cloned machine has the SSH key of its sister, and a copied folder her signing keys."""
    told = Told((), datetime.date(2026, 11, 25))
    seen = [(Host(name), Evidence(Snapshot(raw), None, told)) for name, raw in (("mx1", first), ("mx2", second))]
    for host, evidence in compared(tuple(seen)):  # type: ignore[arg-type]
        assert isinstance(evidence.snapshot, Snapshot)
        verdict = secrets.KeysAreNotShared().inside(host, evidence.snapshot)
        assert verdict.state == state or (host.name == "mx2" and first["dkim_keys"][0]["public"] == "a")


def test_a_grant_has_a_day_and_at_strict_every_network_one() -> None:
    """The day is that of the evidence."""
    grant = Granted(network="192.0.2.0/24", reason="the office", owner="anna@example.org", until="2026-12-31")
    lists = {"ssh": ("192.0.2.0/24",), "submission": (), "imap": (), "pop3": (), "managesieve": ()}
    host = Host(allow=SimpleNamespace(granted=(grant,), **lists))
    judge = exceptions.GrantsHaveAnEnd()
    before, after = (Told((), datetime.date(year, 6, 1)) for year in (2026, 2027))
    assert judge.inventory(host, before).state == "holds"  # type: ignore[arg-type]
    assert judge.inventory(host, after).state == "broken"  # type: ignore[arg-type]
    assert judge.strict_inventory(host, before).state == "holds"  # type: ignore[arg-type]
    bare = Host(allow=SimpleNamespace(granted=(), **lists))
    assert judge.inventory(bare, before).state == "holds"  # type: ignore[arg-type]
    assert judge.strict_inventory(bare, before).state == "broken"  # type: ignore[arg-type]


def test_drift_is_told_by_what_differs(tmp_path: Path) -> None:
    """Content, mode, and that a file is gone; never what stands in it."""
    path = tmp_path / "file"
    path.write_text("as deployed\n")
    path.chmod(0o644)
    owner = f"{path.owner()}:{path.group()}".split(":")
    digest = hashlib.sha256(b"as deployed\n").hexdigest()
    wanted = {"path": str(path), "sha256": digest, "mode": 0o644, "owner": owner[0], "group": owner[1], "link": None}
    assert drift.differences(wanted, path) == []
    path.write_text("changed\n")
    path.chmod(0o600)
    assert drift.differences(wanted, path) == ["has another content", "has the mode 600"]
    path.unlink()
    assert drift.differences(wanted, path) == ["is missing"]


SESSIONS = """0 0 192.0.2.1:22 198.51.100.9:50214
0 0 [2001:db8::1]:22 [2001:db8:9::9]:40000
0 0 192.0.2.1:25 203.0.113.5:1234
"""


def firewall(*networks: str) -> dict[str, Any]:
    sets = []
    for each in networks:
        address, _, length = each.partition("/")
        members = [{"prefix": {"addr": address, "len": int(length)}}]
        sets.append({"set": {"table": "ironpost", "name": f"ssh_v{6 if ':' in each else 4}", "elem": members}})
    return {"nftables": {"text": json.dumps({"nftables": sets})}}


@pytest.mark.parametrize(
    ("phase", "networks", "state"),
    [
        ("settled", ("198.51.100.0/28", "2001:db8:9::/64"), "holds"),
        ("unconfirmed", ("198.51.100.0/28", "2001:db8:9::/64"), "broken"),
        ("settled", ("198.51.100.0/28",), "broken"),
        ("settled", ("198.51.100.16/28", "2001:db8:9::/64"), "broken"),
    ],
)
def test_who_is_connected_would_be_let_in_again(phase: str, networks: tuple[str, ...], state: str) -> None:
    """Mail sessions are no concern of it."""
    raw = {"drift": {"phase": phase}, "doors": {"sessions": {"text": SESSIONS}}} | firewall(*networks)
    host = Host(ssh=SimpleNamespace(user="root", port=22), allow=SimpleNamespace(ssh=("198.51.100.0/28",)))
    assert inside(exceptions.OperatorsAreLetInAgain, raw, host)[0] == state


@pytest.mark.parametrize(
    ("policy", "how", "state"),
    [
        ("drop", "ConnectionRefusedError", "holds"),
        ("accept", "ConnectionRefusedError", "broken"),
        ("drop", "TimeoutError", "broken"),
        ("drop", "connected", "broken"),
    ],
)
def test_what_has_no_work_elsewhere_is_refused_at_once(policy: str, how: str, state: str) -> None:
    """The rules as the kernel has them, and a connection that was tried as nobody."""
    chain = {"family": "inet", "table": "ironpost", "name": "output", "hook": "output", "policy": policy}
    shown = {"text": json.dumps({"nftables": [{"chain": chain}]})}
    raw = {"nftables": shown, "doors": {"leaving": {"text": f"192.0.2.2 443 {how}\n"}}}
    assert inside(filter.NothingElseLeaves, raw)[0] == state
