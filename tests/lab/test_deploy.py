"""What a deploy changes on a host that stands, what it leaves alone, and what it refuses."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from ironpost.facts.survey import SCRIPT
from ironpost.lab import Lab
from tests.lab.deployment import DEPLOY, run_command, ssh_commands, succeed
from tests.lab.inventories import variant, with_setting

UNITS = ("postfix.service", "postfix@-.service", "dovecot.service", "rspamd.service", "unbound.service", "ssh.service")
MOST_SSH_COMMANDS = 20
MAIL = "deploys/mail.py"


def invocations(lab: Lab, host: str) -> str:
    """Changes whenever one of the units is started anew (systemd.exec(5), INVOCATION_ID)."""
    return lab.run(host, f"systemctl show -p Id,InvocationID {' '.join(UNITS)}").stdout


def now(lab: Lab, host: str) -> str:
    return lab.run(host, "sleep 1; date '+%F %T'").stdout.strip()


def test_a_second_run_changes_nothing_and_restarts_nothing(deployed: Lab, mailhost: str) -> None:
    """A tool that always finds something to do is one whose output nobody reads."""
    before = invocations(deployed, mailhost)
    text = succeed(deployed, *DEPLOY, "--limit", deployed.host(mailhost).fqdn)
    assert re.search(r"Grand total\s+6\s+-\s+-\s+6", text), text
    assert invocations(deployed, mailhost) == before


def test_mail_that_comes_in_is_no_drift(deployed: Lab, mailhost: str) -> None:
    """The packet filter counts those who come; a counter is not a rule."""
    server = deployed.host(mailhost)
    greet = f"python3 -c 'import smtplib; print(smtplib.SMTP(\"{server.ipv4}\", 25, timeout=20).noop()[0])'"
    assert deployed.run("stranger", greet).stdout.strip() == "250"
    plan = run_command(
        deployed, "ironpost", "plan", "inventories/lab.py", "--limit", server.fqdn, "--exit-code", "--hosts-only"
    )
    assert plan.returncode == 0, plan.stdout


def test_a_second_run_costs_few_ssh_commands(deployed: Lab, mailhost: str) -> None:
    """Counted by the host's own sshd, whatever the controller believes."""
    start = now(deployed, mailhost)
    succeed(deployed, *DEPLOY, "--limit", deployed.host(mailhost).fqdn)
    counted = ssh_commands(deployed, mailhost, start)
    assert 1 <= len(counted) <= MOST_SSH_COMMANDS, counted


def test_drift_is_shown_and_put_right(deployed: Lab, mailhost: str) -> None:
    """Whoever edits on the host at night finds out in the morning, and so does the team."""
    spoil = (
        "echo 'smtpd_banner = drifted' >>/etc/postfix/main.cf; chmod 666 /etc/dovecot/dovecot.conf; "
        "rm /etc/rspamd/override.d/logging.inc; systemctl stop dovecot; nft flush chain inet ironpost forward"
    )
    deployed.run(mailhost, spoil)
    plan = run_command(deployed, "ironpost", "plan", "inventories/lab.py", "--exit-code", "--hosts-only")
    assert plan.returncode == 3
    for told in ("-smtpd_banner = drifted", "mode is 666", "logging.inc: missing", "dovecot.service: not running"):
        assert told in plan.stdout
    succeed(deployed, *DEPLOY)
    assert (
        run_command(deployed, "ironpost", "plan", "inventories/lab.py", "--exit-code", "--hosts-only").returncode == 0
    )
    assert deployed.run(mailhost, "/usr/sbin/postconf -h smtpd_banner").stdout.strip() != "drifted"


def test_dry_and_diff_change_nothing(deployed: Lab, mailhost: str, tmp_path: Path) -> None:
    """People look before they leap, and mean it."""
    before = invocations(deployed, mailhost)
    inventory = with_setting(tmp_path, "greylisting=True")
    text = succeed(deployed, "pyinfra", inventory, MAIL, "--dry", "--diff")
    assert "file /etc/rspamd/rspamd.conf.override: content differs" in text
    assert "+greylist { enabled = true; }" in text
    assert invocations(deployed, mailhost) == before
    assert (
        run_command(deployed, "ironpost", "plan", "inventories/lab.py", "--exit-code", "--hosts-only").returncode == 0
    )


def test_a_generation_that_a_program_refuses_touches_nothing(deployed: Lab, mailhost: str, tmp_path: Path) -> None:
    """Postfix would start without TLS when key and certificate do not belong together."""
    before = invocations(deployed, mailhost)
    other = '_lab.certificate("somebody.else.example")[1]'
    inventory = variant(tmp_path, ("key=Secret.file(key)", f"key=Secret.file({other})"))
    done = run_command(deployed, "pyinfra", inventory, MAIL, "-y")
    assert done.returncode != 0
    assert "this generation was refused; what runs was not touched" in done.stdout
    assert "Traceback" not in done.stdout
    assert invocations(deployed, mailhost) == before
    assert (
        run_command(deployed, "ironpost", "plan", "inventories/lab.py", "--exit-code", "--hosts-only").returncode == 0
    )


def test_a_service_that_does_not_start_is_undone(deployed: Lab, mailhost: str, tmp_path: Path) -> None:
    """No check finds everything; what fails after the switch goes back by itself."""
    folder = "/etc/systemd/system/rspamd.service.d"
    refusing = '! grep -q "greylist { enabled = true" /etc/rspamd/rspamd.conf.override'
    trap = f"[Service]\nExecStartPre=/bin/sh -c '{refusing}'\n"
    deployed.run(mailhost, f"cat >{folder}/zz-test.conf && systemctl daemon-reload", input=trap)
    try:
        inventory = with_setting(tmp_path, "greylisting=True")
        done = run_command(deployed, "pyinfra", inventory, MAIL, "-y", "--limit", deployed.host(mailhost).fqdn)
        assert done.returncode != 0
        assert "the generation before it is back in place" in done.stdout
        assert deployed.run(mailhost, "systemctl is-active rspamd", check=False).stdout.strip() == "active"
        plan = run_command(deployed, "ironpost", "plan", "inventories/lab.py", "--exit-code", "--hosts-only")
        assert plan.returncode == 0, plan.stdout
    finally:
        deployed.run(mailhost, f"rm {folder}/zz-test.conf && systemctl daemon-reload")


def test_one_host_that_is_down_does_not_stop_the_other(deployed: Lab, tmp_path: Path) -> None:
    """A fleet is never whole."""
    inventory = variant(
        tmp_path,
        (
            "address=host.ipv4,",
            'address=host.ipv4 if name != "mx1" else _lab.controller[0], port=22 if name != "mx1" else 9,',
        ),
    )
    done = run_command(deployed, "pyinfra", inventory, MAIL, "-y")
    assert "[mx2.example.com] No changes" in done.stdout
    assert "Traceback" not in done.stdout
    plan = run_command(deployed, "ironpost", "plan", inventory)
    assert plan.returncode == 4 and "mx2.example.com: nothing to change" in plan.stdout


def test_two_controllers_do_not_change_a_host_at_once(deployed: Lab, mailhost: str, tmp_path: Path) -> None:
    """The second one hears who is at work."""
    hold = "exec 9>>/var/lib/ironpost/lock; flock 9; echo 'anna@desk since noon' >&9; sleep 45"
    holder = subprocess.Popen(
        [*deployed.ssh(mailhost), hold if deployed.host(mailhost).ssh_user == "root" else f'sudo bash -c "{hold}"'],
        stdin=subprocess.DEVNULL,
    )
    try:
        inventory = with_setting(tmp_path, "greylisting=True")
        done = run_command(deployed, "pyinfra", inventory, MAIL, "-y", "--limit", deployed.host(mailhost).fqdn)
        assert done.returncode != 0
        assert "another run changes this host" in done.stdout
    finally:
        holder.kill()
        holder.wait(10)
        deployed.run(mailhost, "fuser -k /var/lib/ironpost/lock 2>/dev/null; pkill -f 'sleep 45'; true", check=False)
        succeed(deployed, *DEPLOY)


def test_a_blocked_outgoing_port_25_is_seen_before_anything_is_changed(deployed: Lab) -> None:
    """Most providers block it; found late, it costs a day. Seen from a host that has nothing of ours."""
    for witness, seen in (("mail.example.net", "220"), ("ns1.dns.example", "")):
        done = subprocess.run(
            [*deployed.ssh("stranger"), f"sh -s {witness}"], input=SCRIPT, capture_output=True, text=True, check=True
        )
        rows = re.findall(r"^ironpost\toutgoing\t([46]) (\S+) ?(.*)$", done.stdout, re.M)
        assert [(version, code) for version, _, code in rows] == [("4", seen), ("6", seen)]
