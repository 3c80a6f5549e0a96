"""Allowlists on live hosts: the firewall, Dovecot and Postfix each keep out whom the inventory does not name."""

from __future__ import annotations

import imaplib
import json
import poplib
import smtplib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ironpost.lab import Lab
from ironpost.lab.guess import reached
from ironpost.lab.mail import submissions, trust
from ironpost.lab.people import password, users_file
from tests.lab.deployment import DEPLOY, run_command, succeed
from tests.lab.inventories import variant
from tests.lab.sabotage import PEOPLE

both = pytest.mark.parametrize("host", ["mx1", "mx2"])
FIRST = {"mx1": "alice@example.org", "mx2": "dave@example.com"}
OPEN = "nft insert rule inet ironpost input tcp dport {{ 465, 993 }} ip saddr {address} accept"


def restricted(lab: Lab, folder: Path) -> str:
    """IMAP from the stranger's network alone, submission from here alone, and second accounts from nowhere near."""
    for domain, second in PEOPLE.values():
        text = users_file(lab.directory, domain).read_text()
        text = text.replace(f"[{second}]\n", f'[{second}]\nnetworks = ["192.0.2.0/24", "2001:db8:ffff::/48"]\n')
        (folder / f"{domain}.toml").write_text(text)
    stranger = lab.host("stranger")
    lists = f"imap=['{stranger.ipv4}', '{stranger.ipv6}'], submission=_lab.controller"
    return variant(
        folder,
        ("allow=Allow(ssh=_lab.controller)", f"allow=Allow(ssh=_lab.controller, {lists})"),
        ("users=str(users_file(_lab.directory, domain))", f'users=f"{folder}/{{domain}}.toml"'),
    )


@pytest.fixture(scope="module")
def listed(deployed: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    inventory = restricted(deployed, tmp_path_factory.mktemp("listed"))
    try:
        succeed(deployed, "pyinfra", inventory, "deploys/mail.py", "-y")
        yield deployed
    finally:
        succeed(deployed, *DEPLOY)


def second_of(host: str) -> str:
    domain, name = PEOPLE[host]
    return f"{name}@{domain}"


def refused(work: Callable[[], object]) -> bool:
    """A login that fails with the right password."""
    try:
        work()
    except (imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPAuthenticationError):
        return True
    return False


def by_imap(lab: Lab, host: str, address: str) -> None:
    with imaplib.IMAP4_SSL(lab.host(host).ipv4, ssl_context=trust(lab, host), timeout=20) as client:
        client.login(address, password(lab.directory, address))


def by_pop3(lab: Lab, host: str, address: str) -> None:
    client = poplib.POP3_SSL(lab.host(host).ipv4, context=trust(lab, host), timeout=20)
    client.user(address)
    client.pass_(password(lab.directory, address))
    client.quit()


def by_submission(lab: Lab, host: str, address: str) -> None:
    with submissions(lab, host) as client:
        client.login(address, password(lab.directory, address))


@both
def test_the_firewall_opens_a_service_to_its_list_and_to_nobody_else(listed: Lab, host: str) -> None:
    """Over IPv4 and IPv6; and what has no list is as open as before."""
    server = listed.host(host)
    for address in (server.ipv4, server.ipv6):
        doors = [(address, port) for port in (993, 465, 587, 995, 25)]
        assert reached(listed, doors) == [True, False, False, True, True]
    with pytest.raises(OSError):
        by_imap(listed, host, FIRST[host])
    by_submission(listed, host, FIRST[host])


@both
def test_behind_the_firewall_dovecot_and_postfix_keep_the_same_lists(listed: Lab, host: str) -> None:
    """Somebody opens a port by hand one day: the right password is not enough from there."""
    for source in (listed.controller[0], listed.host("stranger").ipv4):
        listed.run(host, OPEN.format(address=source))
    try:
        assert refused(lambda: by_imap(listed, host, FIRST[host]))
        address = listed.host(host).ipv4
        program = f"""
import smtplib, ssl
context = ssl._create_unverified_context()
with smtplib.SMTP_SSL({address!r}, 465, "host.stranger.example", timeout=20, context=context) as client:
    client.ehlo()
    try:
        client.login({FIRST[host]!r}, {password(listed.directory, FIRST[host])!r})
        print("logged in")
    except smtplib.SMTPAuthenticationError as error:
        print(error.smtp_code)
    client.mail({FIRST[host]!r})
    print(*client.rcpt("bob@example.net"))
"""
        said = listed.run("stranger", "python3 -", input=program).stdout.splitlines()
        assert said[0] == "535" and "Submission is not open to your address" in said[1], said
    finally:
        listed.run(
            host,
            "for handle in $(nft -a list chain inet ironpost input | sed -n '/tcp dport { 465, 993 } ip saddr"
            " [0-9]/s/.*# handle //p'); do nft delete rule inet ironpost input handle $handle; done",
        )


@both
def test_an_account_logs_in_from_its_own_networks_alone(listed: Lab, host: str) -> None:
    """On every service: a stolen password is worth nothing anywhere else. Others are not concerned."""
    for login in (by_submission, by_pop3):
        login(listed, host, FIRST[host])
        assert refused(lambda login=login: login(listed, host, second_of(host)))


def test_a_host_whose_mailboxes_are_for_one_office_is_verified_without_a_doubt(deployed: Lab, tmp_path: Path) -> None:
    """One line of an inventory; a stranger finds the ports closed, which FW-02 holds the host to."""
    lists = "allow=Allow(ssh=_lab.controller, imap=_lab.controller, pop3=_lab.controller)"
    inventory = variant(tmp_path, ("allow=Allow(ssh=_lab.controller)", lists))
    try:
        succeed(deployed, "pyinfra", inventory, "deploys/mail.py", "-y")
        done = run_command(deployed, "ironpost", "verify", inventory, "--json", "-")
        rows = {(row["mailhost"], row["control"]): row for row in json.loads(done.stdout)["results"]}
        doubts = [
            (*key, row["sides"]) for key, row in rows.items() if row["outcome"] not in ("holds", "not applicable")
        ]
        assert done.returncode == 0 and not doubts, (doubts, done.stderr)
        for host in ("mx1.example.org", "mx2.example.com"):
            assert rows[host, "FW-02"]["sides"]["outside"]["state"] == "holds"
            assert (
                rows[host, "IMAP-01"]["sides"]["outside"]["state"] == "holds"
            )  # 143 and 110 are closed: it could look
    finally:
        succeed(deployed, *DEPLOY)


def test_a_list_without_the_operator_is_told_before_anything_is_touched(deployed: Lab, tmp_path: Path) -> None:
    """Plan and deploy say whom it would lock out; nothing is sent, nothing changes."""
    before = [deployed.run(host, "cat /var/lib/ironpost/state.json").stdout for host in ("mx1", "mx2")]
    inventory = variant(tmp_path, ("allow=Allow(ssh=_lab.controller)", 'allow=Allow(ssh=["192.0.2.0/24"])'))
    for words in (("ironpost", "plan", inventory), ("pyinfra", inventory, "deploys/mail.py", "-y")):
        done = run_command(deployed, *words)
        assert done.returncode == 1
        assert done.stdout.count("which is not in allow.ssh; add it, or you would be locked out") == 2
    assert before == [deployed.run(host, "cat /var/lib/ironpost/state.json").stdout for host in ("mx1", "mx2")]
