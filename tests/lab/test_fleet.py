"""Eight hosts that divide their roles, both releases among them: mail finds its way, and loses none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ironpost.lab import Lab, down, up
from ironpost.lab.mail import at_outside, by_imap, letter, submit, verified_signatures, wait_for, write_from_outside
from tests.lab.deployment import run_command, succeed

INVENTORY = "inventories/fleet.py"
# Address → the host that has the mailbox.
HOMES = {
    "alice@example.org": "box1",
    "anna@example.org": "box2",
    "dave@example.com": "box2",
    "fay@fleet.example": "box1",
    "finn@fleet.example": "whole",
}
SENDERS = {"alice@example.org": "out1", "dave@example.com": "out2", "finn@fleet.example": "whole"}

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def fleet() -> Iterator[Lab]:
    """A network of its own, deployed and published: the shared one has two mail hosts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IRONPOST_LAB", "fleet")
        lab = up("fleet", fleet=True)
        try:
            succeed(lab, "pyinfra", INVENTORY, "deploys/mail.py", "-y", seconds=1500)
            succeed(lab, "ironpost", "dns", "apply", INVENTORY)
            yield lab
        finally:
            down("fleet")


@pytest.mark.parametrize(("address", "home"), HOMES.items())
def test_mail_from_outside_reaches_each_mailbox_where_it_is(fleet: Lab, address: str, home: str) -> None:
    """Over an MX that has no mailbox itself, and both ends of the way between verified."""
    subject = f"Inward to {address}"
    write_from_outside(fleet, "bob", letter("bob@example.net", address, subject))
    received = str(by_imap(fleet, home, address, subject).get_all("Received"))
    assert f"by {fleet.host(home).fqdn}" in received


@pytest.mark.parametrize(("address", "host"), SENDERS.items())
def test_mail_of_users_leaves_signed(fleet: Lab, address: str, host: str) -> None:
    """From the host that they submit to, with two keys that are its own."""
    subject = f"Outward from {address}"
    submit(fleet, host, letter(address, "bob@example.net", subject))
    raw = at_outside(fleet, "bob", subject)
    assert verified_signatures(fleet, raw) == {"rsa-sha256": True, "ed25519-sha256": True}
    assert b"dmarc=pass" in raw


def test_mail_of_a_machine_leaves_through_the_relay_signed_and_for_its_domain_alone(fleet: Lab) -> None:
    """The relay knows the machine by its address, and nobody else comes in by that door."""
    text = letter("printer@fleet.example", "bob@example.net", "Out of toner").as_string()
    program = f"""
import smtplib
with smtplib.SMTP({fleet.host("relay").ipv4!r}, 2525, "printer.fleet.example", timeout=30) as client:
    client.ehlo()
    for sender in ("printer@example.org", "printer@fleet.example"):
        client.rset()
        said = client.mail(sender)
        said = said if said[0] >= 400 else client.rcpt("bob@example.net")
        print(*said)
    if said[0] == 250:
        print(*client.data({text!r}))
"""
    said = [fleet.run(host, "python3 -", input=program).stdout.splitlines() for host in ("outside", "stranger")]
    assert [[line.split()[0] for line in each] for each in said] == [["554", "250", "250"], ["554", "554"]], said
    raw = at_outside(fleet, "bob", "Out of toner")
    assert verified_signatures(fleet, raw) == {"rsa-sha256": True, "ed25519-sha256": True}


def test_mail_between_users_goes_straight_to_the_mailbox(fleet: Lab) -> None:
    """From one submission host to the mailbox host of another domain, through no MX."""
    submit(fleet, "out2", letter("dave@example.com", "alice@example.org", "From Dave to Alice"))
    received = str(by_imap(fleet, "box1", "alice@example.org", "From Dave to Alice").get_all("Received"))
    assert "out2.example.com" in received and "mx1" not in received and "mx2" not in received


def test_both_ends_between_hosts_are_verified(fleet: Lab) -> None:
    """The client in the words of the server, the server in the words of the client."""
    taken = fleet.run("box1", "journalctl -q -o cat -t postfix/fleet/smtpd -t postfix/smtpd --no-pager | tail -n 400")
    assert "Trusted TLS connection established from" in taken.stdout, taken.stdout[-2000:]
    sent = fleet.run("mx1", "journalctl -q -o cat --no-pager | grep 'TLS connection established to' | tail -n 20")
    assert "Verified TLS connection established to box" in sent.stdout, sent.stdout


def test_a_host_that_sends_is_passed_over_when_it_is_away(fleet: Lab) -> None:
    """What an MX has to say (a bounce) leaves through the next one."""
    fleet.run("out1", "systemctl stop postfix")
    try:
        fleet.run("mx1", "printf 'Subject: Passed over\\n\\nx\\n' | sendmail -f alice@example.org bob@example.net")
        raw = at_outside(fleet, "bob", "Passed over")
        assert b"out2.example.com" in raw and verified_signatures(fleet, raw)["rsa-sha256"]
    finally:
        fleet.run("out1", "systemctl start postfix")


def test_a_host_with_mailboxes_that_is_away_is_waited_for(fleet: Lab) -> None:
    """The MX keeps the letter, and hands it on later; the sender was told 250."""
    fleet.run("box1", "systemctl stop postfix")
    try:
        write_from_outside(fleet, "bob", letter("bob@example.net", "alice@example.org", "Waited for"))
        queued = "for mx in mx1; do postqueue -j; done | grep -c alice@example.org || true"
        wait_for(lambda: fleet.run("mx1", queued).stdout.strip() not in ("", "0") or None, "nothing waits on mx1")
    finally:
        fleet.run("box1", "systemctl start postfix")
    fleet.run("mx1", "postqueue -f")
    by_imap(fleet, "box1", "alice@example.org", "Waited for")


def test_the_backup_mx_knows_who_exists(fleet: Lab) -> None:
    """Taken and bounced later it would be a letter to somebody whose address was forged."""
    script = (
        "import smtplib; s = smtplib.SMTP('mx2.example.com', 25, timeout=20); s.ehlo(); s.mail('');"
        "print(s.rcpt('nobody-7f3a@example.org')[0], s.rcpt('anna@example.org')[0])"
    )
    assert fleet.run("outside", f'python3 -c "{script}"').stdout.split() == ["550", "250"]


def test_strangers_do_not_get_to_the_doors_between_the_hosts(fleet: Lab) -> None:
    """Neither from elsewhere nor, without a certificate, from inside."""
    knock = "python3 -c \"import socket; socket.create_connection(('{}', {}), 3)\""
    for host, port in (("box1.example.org", 4525), ("out1.example.org", 4526)):
        assert fleet.run("stranger", knock.format(host, port), check=False).returncode != 0
        said = fleet.run(
            "mx2",
            f"printf 'EHLO x\\r\\nMAIL FROM:<>\\r\\nQUIT\\r\\n' | openssl s_client -quiet -starttls smtp "
            f"-connect {host}:{port} 2>&1",
            check=False,
        ).stdout
        assert "250 2.1.0" not in said, said


def test_every_host_is_verified_by_what_it_does(fleet: Lab) -> None:
    """The same controls; what concerns other roles says so."""
    done = run_command(fleet, "ironpost", "verify", INVENTORY, "--quiet", seconds=900)
    assert done.returncode == 0, done.stdout
