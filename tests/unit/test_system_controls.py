"""Controls of the host below on hand-made evidence: what the test network cannot show, and traps."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from ironpost.controls.control import control_of
from ironpost.controls.journal import ChangesAreAudited, days
from ironpost.controls.ssh import SshTakesKeysOnly
from ironpost.controls.system import KERNEL, ClockIsSynchronised, KernelSettingsHold, NoStrangePrivileges
from ironpost.controls.updates import SourcesAreSigned
from ironpost.evidence import NotCollectedError
from ironpost.evidence.snapshot import Snapshot

WATCHES = """-w /etc/postfix -p wa -k ironpost-mail
-w /etc/dovecot -p wa -k ironpost-mail
-w /etc/ssl/ironpost/ -p wa -k ironpost-keys
-w /etc/nftables.conf -p wa -k ironpost-doors
-w /etc/shadow -p wa -k ironpost-identity
-w /var/lib/rspamd/dkim -p wa -k ironpost-keys
"""


@dataclasses.dataclass(frozen=True)
class Host:
    name: str = "mx1.example.org"
    roles: tuple[str, ...] = ("mx", "submission", "mailbox")


def judged(claimed: type, raw: dict[str, Any]) -> tuple[str, str]:
    judge = control_of(claimed).inside
    assert judge is not None
    verdict = judge(Host(), Snapshot(raw))
    return verdict.state, verdict.found


def host(**parts: Any) -> dict[str, Any]:
    return {"host": parts}


def test_kernel_settings_are_judged_where_the_kernel_is_the_hosts_own() -> None:
    """The laxest value of each is found, and stricter ones than asked for are fine."""
    good = {name: f"{least}\n" for name, least in KERNEL.items()} | {"fs/suid_dumpable": "0\n"}
    assert judged(KernelSettingsHold, host(sysctls=good | {"kernel/yama/ptrace_scope": "2"})) == ("holds", "")
    state, found = judged(KernelSettingsHold, host(sysctls=good | {"kernel/yama/ptrace_scope": "0"}))
    assert state == "broken" and found == "kernel/yama/ptrace_scope = 0"
    with pytest.raises(NotCollectedError):
        judged(KernelSettingsHold, host(sysctls={}))


def test_a_clock_that_nobody_keeps_is_told() -> None:
    """DNS updates and DNSSEC end with it."""
    kept = {"text": "NTP=yes\nNTPSynchronized=yes\n"}
    assert judged(ClockIsSynchronised, host(time=kept))[0] == "holds"
    assert judged(ClockIsSynchronised, host(time={"text": "NTP=yes\nNTPSynchronized=no\n"}))[0] == "broken"
    with pytest.raises(NotCollectedError):
        judged(ClockIsSynchronised, host(time={"error": "timedatectl exits 1"}))


def test_each_path_that_matters_is_watched() -> None:
    """One rule fewer is one way fewer to know who it was; `auditctl -l` without rules says so in words."""
    assert judged(ChangesAreAudited, host(audit={"text": WATCHES}))[0] == "holds"
    for line in WATCHES.splitlines():
        assert judged(ChangesAreAudited, host(audit={"text": WATCHES.replace(line + "\n", "")}))[0] == "broken"
    assert judged(ChangesAreAudited, host(audit={"text": "No rules\n"}))[0] == "broken"


def test_a_match_block_for_one_network_counts() -> None:
    """`sshd -T` alone does not show it."""
    closed = "passwordauthentication no\nkbdinteractiveauthentication no\npermitemptypasswords no\n"
    closed += "hostbasedauthentication no\npubkeyauthentication yes\npermitrootlogin no\n"
    opened = closed.replace("passwordauthentication no", "passwordauthentication yes", 1)
    assert judged(SshTakesKeysOnly, {"sshd": {"for": {"user=root": {"text": closed}}}})[0] == "holds"
    both = {"user=root": {"text": closed}, "user=root,addr=198.51.100.0": {"text": opened}}
    state, found = judged(SshTakesKeysOnly, {"sshd": {"for": both}})
    assert state == "broken" and "addr=198.51.100.0" in found


def test_a_copied_shell_with_one_bit_is_found() -> None:
    """By name it would pass for Debian's; by place it does not."""
    mounts = "tmpfs /dev/shm tmpfs rw,nosuid,nodev,noexec 0 0\n"
    stock = ["2555 /usr/sbin/postdrop", "4755 /usr/bin/su"]
    assert judged(NoStrangePrivileges, host(mounts=mounts, **{"special files": stock}))[0] == "holds"
    for planted in ("4755 /var/tmp/su", "4755 /usr/bin/dash", "0666 /etc/postfix/aliases"):
        evidence = host(mounts=mounts, **{"special files": [*stock, planted]})
        assert judged(NoStrangePrivileges, evidence)[0] == "broken", planted


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("deb [signed-by=/usr/share/keyrings/debian.gpg] http://deb.debian.org/debian trixie main\n", "holds"),
        ("# deb [trusted=yes] http://example.com/ ./\ndeb https://deb.debian.org/debian trixie main\n", "holds"),
        ("deb [trusted=yes] https://example.com/ ./\n", "broken"),
        ("Types: deb\nURIs: https://example.com/\nTrusted: yes\n", "broken"),
        ("deb http://packages.example.com/ trixie main\n", "broken"),
        ("deb http://debian.org.example.com/ trixie main\n", "broken"),
    ],
)
def test_package_sources_are_signed(text: str, state: str) -> None:
    """Whoever may replace a package owns the host."""
    raw = host(sources={"/etc/apt/sources.list": text}, apt={"text": ""})
    assert judged(SourcesAreSigned, raw)[0] == state


@pytest.mark.parametrize(("span", "count"), [("90day", 90), ("13 weeks", 91), ("1year", 365), ("90", 0), ("9h", 0)])
def test_spans_of_systemd_are_read(span: str, count: int) -> None:
    """A number without a unit is seconds (systemd.time(7))."""
    assert days(span) == count
