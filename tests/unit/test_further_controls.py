"""Controls that the test network cannot show, or can show in one way only, on evidence made by hand."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ironpost.compliance.programs.snap import login_keys, store
from ironpost.controls import guessing, operators, storage, updates
from ironpost.evidence import NotCollectedError
from ironpost.evidence.snapshot import Snapshot

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIzpZ3k0yVb0m5bVn1b6yH8m6ncQxM2rJw6v4r2mZq5d anna"
CLOSED = {"mode": 0o600, "uid": 0, "gid": 0}


@dataclasses.dataclass(frozen=True)
class Host:
    name: str = "mx1.example.org"
    ssh_keys: tuple[str, ...] = (KEY,)
    ssh: Any = dataclasses.field(default_factory=lambda: SimpleNamespace(user="root"))
    allow: Any = dataclasses.field(default_factory=lambda: SimpleNamespace(wide=("198.18.0.0/15",)))
    accounts: tuple[Any, ...] = ()
    passwords_of: Any = dataclasses.field(default_factory=lambda: lambda _: "all")
    fleet_addresses: tuple[str, ...] = ("192.0.2.1", "2001:db8::1")
    has_dovecot: bool = True


def inside(claimed: type, raw: dict[str, Any], host: Host | None = None, strict: bool = False) -> tuple[str, str]:
    judge = getattr(claimed(), "strict_inside" if strict else "inside")
    verdict = judge(host or Host(), Snapshot(raw))
    return verdict.state, verdict.found


def installed(release: str, **changes: str) -> dict[str, Any]:
    versions = {name: f"{start}1-1" for name, start in updates.VERSIONS[release].items()} | changes
    return {"release": release, "packages": {"text": "".join(f"{name}\t{each}\n" for name, each in versions.items())}}


def test_a_host_that_was_half_upgraded_is_of_no_release() -> None:
    """os-release is one file of one package, and says nothing of the others."""
    raw = installed("trixie", postfix="3.7.11-0+deb12u1") | {"taken": "2026-11-25T12:00:00+00:00"}
    state, found = inside(updates.ReleaseIsSupported, raw)
    assert state == "broken" and found == "postfix 3.7.11-0+deb12u1 is not of trixie"


@pytest.mark.parametrize(
    ("release", "taken", "baseline", "strict"),
    [
        ("trixie", "2026-11-25", "holds", "holds"),
        ("trixie", "2029-01-01", "holds", "broken"),
        ("bookworm", "2026-06-10", "holds", "holds"),
        ("bookworm", "2026-11-25", "holds", "broken"),
        ("bookworm", "2028-07-01", "broken", "broken"),
    ],
)
def test_a_release_has_a_last_day(release: str, taken: str, baseline: str, strict: str) -> None:
    """The day is that of the evidence, so that a verdict stays what it was."""
    raw = installed(release) | {"taken": f"{taken}T12:00:00+00:00"}
    assert inside(updates.ReleaseIsSupported, raw)[0] == baseline
    assert inside(updates.ReleaseIsSupported, raw, strict=True)[0] == strict


def test_a_package_that_was_not_seen_leaves_doubt_where_the_role_has_it() -> None:
    """An MX without mailboxes has no Dovecot; elsewhere its absence is no proof of anything."""
    raw = installed("trixie") | {"taken": "2026-11-25T12:00:00+00:00"}
    lines = [line for line in raw["packages"]["text"].splitlines(keepends=True) if not line.startswith("dovecot")]
    raw |= {"packages": {"text": "".join(lines)}}
    assert inside(updates.ReleaseIsSupported, raw, Host(has_dovecot=False))[0] == "holds"
    with pytest.raises(NotCollectedError, match="dovecot-core was not seen"):
        inside(updates.ReleaseIsSupported, raw)


def test_a_release_that_nobody_knows_is_not_judged() -> None:
    """A table that is too old must not say that all is well."""
    with pytest.raises(NotCollectedError):
        inside(updates.ReleaseIsSupported, {"release": "forky", "taken": "2026-11-25T12:00:00+00:00"})


def test_a_mailbox_needs_an_encrypted_disk_below_it() -> None:
    """No host of the lab has a disk of its own."""
    lies = {"kind": "ext4", "options": "rw", "encrypted": True}
    assert inside(storage.MailboxesAreEncryptedAtRest, {"store": {"mail": lies}})[0] == "holds"
    state, found = inside(storage.MailboxesAreEncryptedAtRest, {"store": {"mail": lies | {"encrypted": False}}})
    assert (state, found) == ("broken", "/var/vmail lies on ext4 without dm-crypt below it")


def test_encryption_is_found_below_a_logical_volume(tmp_path: Path) -> None:
    """LVM on LUKS is the usual way; one plain disk among those of a volume spoils it."""
    for name, uuid in (("volume", "LVM-abc"), ("luks", "CRYPT-LUKS2-abc"), ("plain", "")):
        (tmp_path / name / "dm").mkdir(parents=True)
        (tmp_path / name / "dm" / "uuid").write_text(uuid)
        (tmp_path / name / "slaves").mkdir()
    (tmp_path / "volume" / "slaves" / "dm-0").symlink_to(tmp_path / "luks")
    assert store.encrypted(tmp_path / "volume")
    assert not store.encrypted(tmp_path / "plain")
    (tmp_path / "volume" / "slaves" / "dm-1").symlink_to(tmp_path / "plain")
    assert not store.encrypted(tmp_path / "volume")


def test_a_host_without_mailboxes_still_tells_where_its_queue_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAIL", str(tmp_path / "no mailboxes"))
    monkeypatch.setattr(store, "QUEUE", str(tmp_path))
    told = store.parts()["store"]
    assert "no mailboxes" in told["mail"]["error"]
    assert told["queue"]["kind"]


POSTFIX = {"postfix": {"main": {"text": "import_environment = MAIL_CONFIG LANG=C\n"}, "overrides": {"text": ""}}}
POSTFIX["postfix"]["services"] = {"text": "qmgr unix n - n 300 1 qmgr\n"}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "holds"),
        ({"preloaded": ["qmgr: LD_PRELOAD=libeatmydata.so"]}, "broken"),
        ({"preload file": "/usr/lib/libeatmydata.so\n"}, "broken"),
        ({"queue": {"kind": "tmpfs", "options": "rw"}}, "broken"),
        ({"queue": {"kind": "ext4", "options": "rw,relatime,data=writeback"}}, "broken"),
        ({"queue": {"kind": "ext4", "options": "rw,nobarrier,relatime"}}, "broken"),
    ],
)
def test_what_keeps_letters_from_the_disk_is_found(change: dict[str, Any], state: str) -> None:
    """Each makes a host faster, and each loses mail that was answered with 250."""
    good = {"queue": {"kind": "ext4", "options": "rw,relatime"}, "preloaded": [], "preload file": ""}
    assert inside(storage.WhatIsAcceptedIsWritten, POSTFIX | {"store": good | change})[0] == state


def opened(kind: str = "ssh-ed25519", user: str = "root", **changes: Any) -> dict[str, Any]:
    found = {"user": user, "path": "/etc/ssh/ironpost_keys/root", "access": CLOSED, "owner": 0, "folder": CLOSED}
    return found | {"keys": [{"kind": kind, "fingerprint": operators.fingerprint(KEY)}]} | changes


@pytest.mark.parametrize(
    ("row", "state"),
    [
        (opened(), "holds"),
        (opened(user="nobody"), "broken"),
        (opened(keys=[{"kind": "ssh-ed25519", "fingerprint": "SHA256:other"}]), "broken"),
        (opened(access={"mode": 0o666, "uid": 0, "gid": 0}), "broken"),
        (opened(folder={"mode": 0o777, "uid": 0, "gid": 0}), "broken"),
        (opened(access={"mode": 0o600, "uid": 33, "gid": 33}), "broken"),
        (opened(kind="ssh-dss"), "broken"),
    ],
)
def test_keys_are_those_of_the_inventory_and_nobody_elses(row: dict[str, Any], state: str) -> None:
    """One line is the most comfortable back door."""
    assert inside(operators.KeysAreThoseOfTheInventory, {"login keys": {"files": [row]}})[0] == state


def test_without_keys_in_the_inventory_only_their_files_are_judged() -> None:
    """What nobody wrote down cannot be compared; a file that all may change is a fault all the same."""
    host = Host(ssh_keys=())
    assert (
        inside(operators.KeysAreThoseOfTheInventory, {"login keys": {"files": [opened()]}}, host)[0] == "not applicable"
    )
    spoilt = {"login keys": {"files": [opened(access={"mode": 0o622, "uid": 0, "gid": 0})]}}
    assert inside(operators.KeysAreThoseOfTheInventory, spoilt, host)[0] == "broken"


@pytest.mark.parametrize(
    ("kind", "methods", "state"),
    [
        ("ssh-ed25519", "any", "broken"),
        ("sk-ssh-ed25519@openssh.com", "any", "holds"),
        ("ssh-ed25519", "publickey,keyboard-interactive:pam", "holds"),
        ("ssh-ed25519", "publickey,keyboard-interactive publickey", "broken"),
    ],
)
def test_a_key_on_a_disk_is_not_enough_at_strict(kind: str, methods: str, state: str) -> None:
    """One way in with a key alone spoils all others."""
    raw = {
        "login keys": {"files": [opened(kind)]},
        "sshd": {"for": {"root": {"text": f"authenticationmethods {methods}"}}},
    }
    assert inside(operators.AKeyIsNotEnough, raw)[0] == state


def test_a_key_is_read_with_its_options_and_without(tmp_path: Path) -> None:
    """A forced command before it changes nothing of which key it is."""
    plain, forced, noise = (
        login_keys.keys(text) for text in (KEY, f'from="192.0.2.1",command="echo ssh-ed25519 x" {KEY}', "# none\n\n")
    )
    assert [key["fingerprint"] for key in plain] == [operators.fingerprint(KEY)]
    assert plain == forced and noise == []


def test_a_password_alone_is_told_at_strict() -> None:
    """From the file, and from the inventory."""
    rows = [{"user": "anna@example.org", "locked": True}, {"user": "ben@example.org", "locked": False}]
    state, found = inside(guessing.APasswordIsNotEnough, {"passwords": {"rows": rows}})
    assert state == "broken" and "ben@" in found and "anna@" not in found
    people = (
        SimpleNamespace(address="anna@example.org", disabled=False, second_factor=True),
        SimpleNamespace(address="carl@example.org", disabled=True, second_factor=False),
    )
    judge = guessing.APasswordIsNotEnough().inventory
    assert judge(Host(accounts=people), None).state == "holds"  # type: ignore[arg-type]
    alone = SimpleNamespace(address="ben@example.org", disabled=False, second_factor=False)
    assert judge(Host(accounts=(*people, alone)), None).state == "broken"  # type: ignore[arg-type]
    by_token = Host(accounts=(*people, alone), passwords_of=lambda _: "app")
    assert judge(by_token, None).state == "holds"  # type: ignore[arg-type]
