"""The verifier against live hosts: clean when they are clean, and red for the right reason when they were broken."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ironpost.compliance.proof import Wanted
from ironpost.controls import CONTROLS
from ironpost.lab import Lab
from ironpost.lab.people import password, users_file
from tests.lab.deployment import TOP, run_command, ssh_commands, succeed
from tests.lab.inventories import variant
from tests.lab.sabotage.rounds import (
    FORGET,
    HOSTS,
    VERIFY,
    Round,
    break_and_look,
    escaped,
    named,
    rounds,
    standing,
    tripped,
    verdicts,
)
from tests.lab.sabotage.table import first_of

BASELINE = [control for control in CONTROLS if Wanted().includes(control)]
COSTLY = [control for control in CONTROLS if control.cost in ("slow", "disruptive")]
# A sample with something of each family, half of it on each release; `make sabotage` runs all.
SAMPLE = ("TLS-02", "AUTH-09", "SMTP-01", "RELAY-03", "DKIM-01", "DMARC-06", "FW-01", "FW-02", "SPF-04", "AUTH-04")


@pytest.fixture(scope="module")
def clean(published: Lab) -> Lab:
    """Both hosts, every control holding: a red one below is the sabotage's work."""
    rows = verdicts(published)
    assert len(rows) == len(HOSTS) * len(BASELINE) and not standing(rows)
    return published


def test_the_verifier_says_what_holds(clean: Lab) -> None:
    """Exit 0, a line for each control, and a sentence of totals."""
    text = succeed(clean, *VERIFY)
    aside = text.count("  – ")  # what this release or this network cannot show
    assert text.count("  ✓ ") + aside == len(HOSTS) * len(BASELINE)
    assert f"2 mail hosts, {len(BASELINE)} controls: {len(HOSTS) * len(BASELINE) - aside} hold" in text


def test_the_profile_strict_holds_but_for_what_is_waived(clean: Lab, tmp_path: Path) -> None:
    """What stays a default on purpose carries a waiver, is measured, and stands on the page with its reason."""
    page, found = tmp_path / "report.html", tmp_path / "strict.json"
    for host in HOSTS:
        clean.run(host, FORGET)
    succeed(clean, *VERIFY, "--profile", "strict", "--html", str(page), "--json", str(found))
    rows = json.loads(found.read_text())["results"]
    assert len(rows) == len(HOSTS) * len(CONTROLS) - len(HOSTS) * len(COSTLY)
    waived = {(row["mailhost"], row["control"]) for row in rows if row["outcome"] == "waived"}
    mx1, mx2 = (clean.host(name).fqdn for name in HOSTS)
    both = ("DMARC-05", "SMTP-15", "AUTH-12", "OS-05", "FW-06", "ALLOW-03")
    assert waived == {
        *((host, control) for host in (mx1, mx2) for control in both),
        *((mx2, control) for control in ("SPF-02", "STS-04", "SMTP-03", "UPD-03")),
    }
    assert {row["outcome"] for row in rows} <= {"holds", "waived", "not applicable"}
    assert "until every sender of a domain is known" in page.read_text()


def test_without_a_vantage_point_there_is_no_verdict(clean: Lab, tmp_path: Any) -> None:
    """A probe from a trusted place would prove too much: unknown, exit 4, never a pass."""
    source = (clean_inventory()).replace('VantagePoint(ssh=_ssh("stranger"))', "VantagePoint(local=True)")
    inventory = tmp_path / "from_here.py"
    inventory.write_text(source)
    done = run_command(clean, "ironpost", "verify", str(inventory), "--control", "TLS-02")
    assert done.returncode == 4
    assert "is on allowlist ssh" in done.stdout


def clean_inventory() -> str:
    return (TOP / "inventories" / "lab.py").read_text()


def test_kept_evidence_gives_the_same_verdicts_and_holds_no_secret(clean: Lab, tmp_path: Path) -> None:
    """An auditor who doubts a verdict follows it again, without a network; the file may lie about."""
    kept, first, second = (tmp_path / name for name in ("evidence.json", "first.json", "second.json"))
    succeed(clean, *VERIFY, "--evidence", str(kept), "--json", str(first))
    replayed = run_command(clean, *VERIFY, "--from", str(kept), "--json", str(second))
    assert replayed.returncode == 0, replayed.stdout[-2000:]
    one, two = (json.loads(path.read_text()) for path in (first, second))
    assert one["results"] == two["results"] and one["started"] == two["started"]
    text = kept.read_text()
    assert "smtpd_relay_restrictions" in text and "STARTTLS" in text  # both sides are there
    for host, domain in (("mx1", "example.org"), ("mx2", "example.com")):
        _, key = clean.certificate(clean.host(host).fqdn)
        hashed = users_file(clean.directory, domain).read_text().split("$")[5][:30]
        login = {"mx1": "alice@example.org", "mx2": "dave@example.com"}[host]
        for secret in (key.read_text().splitlines()[2], clean.tsig(domain).secret, hashed):
            assert secret not in text
        assert password(clean.directory, login) not in text


def test_a_host_in_trouble_is_unknown_and_the_others_are_verified(clean: Lab, tmp_path: Path) -> None:
    """Another host key on the one, sudo that asks for a password on the other: each told, neither passed."""
    keys = tmp_path / "known_hosts"
    lines = clean.known_hosts.read_text().splitlines()
    other = next(line.split()[1:] for line in lines if clean.host("stranger").ipv4 in line.split()[0].split(","))
    wrong = [
        " ".join([line.split()[0], *other]) if clean.host("mx1").ipv4 in line.split()[0].split(",") else line
        for line in lines
    ]
    keys.write_text("\n".join(wrong) + "\n")
    name = variant(tmp_path, ("known_hosts=str(_lab.known_hosts)", f"known_hosts={str(keys)!r}"))
    for host in HOSTS:
        clean.run(host, FORGET)  # each run counts for itself, as a run a minute does
    with sudo_asks_for_a_password(clean, "mx2"):
        done = run_command(clean, "ironpost", "verify", name, "--json", str(tmp_path / "out.json"))
    assert done.returncode in (1, 4) and "Traceback" not in done.stdout
    rows = json.loads((tmp_path / "out.json").read_text())["results"]
    told = {row["mailhost"]: row["sides"]["inside"] for row in rows if row["control"] == "TLS-02"}
    assert "its host key is not the one that is known" in told[clean.host("mx1").fqdn]["found"]
    assert "sudo does not work without a password" in told[clean.host("mx2").fqdn]["found"]
    for row in rows:
        assert row["sides"].get("inside", {"state": "unknown"})["state"] in ("unknown", "not applicable"), row
        if row["control"] == "RELAY-01":  # what was seen from outside is still judged
            assert row["sides"]["outside"]["state"] == "holds"


def test_a_verification_visits_each_host_once_and_its_vantage_point_once_for_all(clean: Lab) -> None:
    """One command a host, over testinfra, and one connection for everything that a stranger is sent to do."""
    start = {host: clean.run(host, "sleep 1; date '+%F %T'").stdout.strip() for host in (*HOSTS, "stranger")}
    before = connections(clean, "stranger", start["stranger"])
    assert "2 mail hosts" in run_command(clean, *VERIFY).stdout
    for host in HOSTS:
        assert len(ssh_commands(clean, host, start[host])) == 1
    assert connections(clean, "stranger", start["stranger"]) - before == 1


def connections(lab: Lab, host: str, since: str) -> int:
    """How many sshd let in since then; `lab.run` goes over one that it keeps."""
    text = lab.run(host, f"journalctl -q -o cat -t sshd -t sshd-session --since '{since}'").stdout
    return text.count("Accepted publickey for ")


@contextmanager
def sudo_asks_for_a_password(lab: Lab, host: str) -> Iterator[None]:
    """A unit on the host waits to mend it, for without sudo nobody else can; it does so by itself after a while."""
    rule, flag = "/etc/sudoers.d/lab", "/tmp/mend"
    mend = f"for i in $(seq 600); do test -e {flag} && break; sleep 0.2; done; rm -f {flag}; cp -p /root/rule {rule}"
    lab.run(host, f"cp -p {rule} /root/rule && systemd-run -q --unit=mend sh -c '{mend}'")
    lab.run(host, f"sed -i s/NOPASSWD:// {rule}")
    try:
        yield
    finally:
        subprocess.run([*lab.ssh(host), f"touch {flag}"], check=True)
        while lab.run(host, "rm /root/rule", check=False).returncode:
            time.sleep(0.2)


SAMPLED = [first_of(control) for control in SAMPLE]


@pytest.mark.parametrize("broken", rounds(SAMPLED), ids=named)
def test_a_sabotage_is_named_and_repaired(clean: Lab, broken: Round) -> None:
    """Found by its own control on its own evidence, by no other, and put right by the deploy."""
    sabotage_round(clean, broken)


def sabotage_round(lab: Lab, broken: Round) -> None:
    rows = break_and_look(lab, broken)
    for host, sabotage in broken:
        assert not escaped(rows, host, sabotage)
    assert not tripped(rows, broken), "tripped besides: " + "\n".join(tripped(rows, broken))
    assert not standing(verdicts(lab)), "not repaired"
