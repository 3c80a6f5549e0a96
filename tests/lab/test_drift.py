"""Drift: one command tells what on hosts and in zones is not as declared, and who changed it where auditd knows."""

from __future__ import annotations

import time
from collections.abc import Iterator

import dns.query
import dns.tsigkeyring
import dns.update
import pytest

from ironpost.lab import Lab
from tests.lab.deployment import DEPLOY, run_command, succeed

DRIFT = ("ironpost", "plan", "inventories/lab.py", "--exit-code")
APPLY = ("ironpost", "dns", "apply", "inventories/lab.py")
LISTENER = "drift-test"
# Three records as the kernel gives them to auditd, of an editor that wrote main.cf (no auditd runs in a container).
SEEN = """\
type=SYSCALL msg=audit({at}.123:77): arch=c000003e syscall=257 success=yes exit=3 a0=ffffff9c a1=55 a2=241 a3=1a4 \
items=2 ppid=10 pid=11 auid=0 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 comm="vim" \
exe="/usr/bin/vim.basic" subj=unconfined key="ironpost-mail"
type=CWD msg=audit({at}.123:77): cwd="/root"
type=PATH msg=audit({at}.123:77): item=0 name="/etc/postfix/" inode=1 dev=00:1f mode=040755 ouid=0 ogid=0 rdev=00:00 \
nametype=PARENT cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0
type=PATH msg=audit({at}.123:77): item=1 name="/etc/postfix/main.cf" inode=2 dev=00:1f mode=0100644 ouid=0 ogid=0 \
rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0
"""


@pytest.fixture
def drifted(published: Lab) -> Iterator[Lab]:
    """A setting of Postfix, a unit, a listener and a record, each changed behind the inventory's back."""
    log = SEEN.format(at=int(time.time()))
    published.run("mx1", "mkdir -p /var/log/audit && cat > /var/log/audit/audit.log", input=log)
    published.run("mx1", "postconf -e smtpd_banner=changed && systemctl stop unbound")
    published.run("mx1", f"systemd-run -q --unit={LISTENER} python3 -m http.server 8081")
    remove_record(published, "_dmarc.example.org", "TXT")
    yield published
    published.run("mx1", f"systemctl stop {LISTENER}; rm -f /var/log/audit/audit.log", check=False)
    succeed(published, *DEPLOY)
    succeed(published, *APPLY)


def remove_record(lab: Lab, name: str, kind: str) -> None:
    key = lab.tsig("example.org")
    ring = dns.tsigkeyring.from_text({key.name: (key.algorithm, key.secret)})
    update = dns.update.UpdateMessage("example.org", keyring=ring)
    update.delete(f"{name}.", kind)
    assert dns.query.tcp(update, lab.name_servers[0], timeout=5).rcode() == 0


def test_drift_of_hosts_listeners_and_zones_is_told_by_one_command(drifted: Lab) -> None:
    """Exit 3 and a line each; after the deploy, the update and the end of the listener, exit 0."""
    done = run_command(drifted, *DRIFT)
    assert done.returncode == 3, done.stdout
    for said in (
        "~ file /etc/postfix/main.cf: content differs",
        "-smtpd_banner = changed",
        "root successfully opened-file /etc/postfix/main.cf using /usr/bin/vim.basic",
        "~ unit unbound.service",
        "listener 0.0.0.0:8081: held by python3, and no role owns it; stop it",
        "record _dmarc.example.org TXT (DMARC): is missing",
    ):
        assert said in done.stdout, f"{said!r} is not in\n{done.stdout}"
    drifted.run("mx1", f"systemctl stop {LISTENER}")
    succeed(drifted, *DEPLOY)
    succeed(drifted, *APPLY)
    assert run_command(drifted, *DRIFT).returncode == 0
