"""Mail through another operator's host: with a login inside verified TLS, or it waits."""

from __future__ import annotations

import json
import re
import secrets
import smtplib
from collections.abc import Iterator
from typing import Any

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import at_outside, by_imap, letter, submit, wait_for
from ironpost.lab.outside import customer_command
from tests.lab.deployment import DEPLOY, run_command, succeed
from tests.lab.inventories import variant
from tests.lab.test_mail import both, fresh
from tests.lab.test_outbound import log, now

USER, HOP = "ironpost", "[mail.example.net]:587"


@pytest.fixture(scope="module")
def password() -> str:
    return secrets.token_urlsafe(18)


@pytest.fixture(scope="module")
def routed(published: Lab, password: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, str]]:
    """Both hosts send through the outside operator's host, and hold people to their own From; and that inventory."""
    folder = tmp_path_factory.mktemp("smarthost")
    secret = folder / "login"
    secret.touch(mode=0o600)
    secret.write_text(password + "\n")
    setting = (
        f'smarthosts=[Smarthost(host="mail.example.net", user="{USER}@example.net", '
        f'password=Secret.file("{secret}"), authority=str(_lab.root_certificate))], header_from="owned"'
    )
    inventory = variant(
        folder,
        ("        admin=admin,\n", f"        admin=admin,\n        {setting},\n"),
        ("Allow, ", "Allow, Smarthost, "),
    )
    published.run("outside", customer_command(USER), input=password)
    try:
        said = succeed(published, "pyinfra", inventory, "deploys/mail.py", "--diff", "-y")
        assert "file /etc/postfix/smarthost_login_1: missing" in said and password not in said
        yield published, inventory
    finally:
        succeed(published, *DEPLOY)


def queue_id(lab: Lab, host: str, since: str, recipient: str) -> str:
    """Of the last attempt at that recipient."""
    return wait_for(
        lambda: (re.findall(rf"^(\w+): to=<{re.escape(recipient)}>", log(lab, host, since), re.M) or [None])[-1],
        f"{host}: nothing was tried for {recipient}",
    )


@both
def test_mail_goes_through_it_logged_in_over_verified_tls(routed: tuple[Lab, str], host: str, address: str) -> None:
    """To others of that operator, and to third parties, who see who signed and not who handed on."""
    lab, _ = routed
    since, subject = now(lab, host), fresh("smarthost")
    submit(lab, host, letter(address, "bob@example.net", subject))
    received = at_outside(lab, "bob", subject)
    other, theirs = ("mx2", "dave@example.com") if host == "mx1" else ("mx1", "alice@example.org")
    submit(lab, host, letter(address, theirs, subject))
    assert "dmarc=pass" in str(by_imap(lab, other, theirs, subject)["Authentication-Results"])
    text = log(lab, host, since)
    assert "Verified TLS connection established to mail.example.net[" in text
    assert len(re.findall(r"relay=mail\.example\.net\[\S+\]:587, .*status=sent", text)) == 2
    journal = lab.run("outside", f"journalctl -q -o cat -t postfix/submission/smtpd --since '{since}'").stdout
    assert journal.count(f"sasl_method=PLAIN, sasl_username={USER}@example.net") == 2
    assert f"d={address.partition('@')[2]}".encode() in received.replace(b"\r\n\t", b" ")


@both
def test_the_login_is_a_secret_on_the_host_too(routed: tuple[Lab, str], password: str, host: str, address: str) -> None:
    """It stands in one file that root and Postfix read, and in nothing that anybody else may look at."""
    lab, _ = routed
    held = lab.run(host, "grep -rlF -f - /etc /var/lib/ironpost /run /var/log 2>/dev/null; true", input=password).stdout
    files = [name for name in held.split() if not name.startswith("/var/lib/ironpost/")]
    assert files == ["/etc/postfix/smarthost_login_1"]
    assert lab.run(host, "stat -c '%a %U %G' /etc/postfix/smarthost_login_1").stdout.split() == [
        "640",
        "root",
        "postfix",
    ]
    kept = [name for name in held.split() if name not in files]
    modes = lab.run(host, f"stat -c %a {' '.join(kept) or '/etc/shadow'} /var/lib/ironpost").stdout.split()
    assert modes[-1] == "700" and not [mode for mode in modes[:-1] if mode[-1] != "0"]
    assert password not in lab.run(host, "journalctl -q -o cat --since -1h; cat /proc/*/cmdline | tr '\\0' ' '").stdout


@both
def test_a_wrong_password_puts_mail_off_and_says_why(
    routed: tuple[Lab, str], password: str, host: str, address: str
) -> None:
    """A changed password must not bounce a day's mail; Postfix tries again with the right one."""
    lab, _ = routed
    since, subject = now(lab, host), fresh("smarthost-wrong")
    lab.run("outside", customer_command(USER), input="another one")
    try:
        submit(lab, host, letter(address, "bob@example.net", subject))
        wait_for(lambda: "status=deferred" in log(lab, host, since) or None, f"{host}: the letter was not put off")
        text = log(lab, host, since)
        assert re.search(
            r"status=deferred \(SASL authentication failed; server mail\.example\.net\S* said: 535 5\.7\.8", text
        ), text
    finally:
        lab.run("outside", customer_command(USER), input=password)
    lab.run(host, "postqueue -f")
    at_outside(lab, "bob", subject)


@both
def test_without_verified_tls_no_password_is_said(routed: tuple[Lab, str], host: str, address: str) -> None:
    """Somebody on the way who takes STARTTLS away gets neither mail nor login."""
    lab, _ = routed
    since, subject = now(lab, host), fresh("smarthost-plain")
    plain = "submission/inet/smtpd_tls_security_level={} submission/inet/smtpd_tls_auth_only={}"
    lab.run("outside", f"postconf -P {plain.format('none', 'no')} && postfix reload")
    try:
        submit(lab, host, letter(address, "bob@example.net", subject))
        wait_for(lambda: "status=deferred" in log(lab, host, since) or None, f"{host}: the letter was not put off")
        assert re.search(
            r"status=deferred \(TLS is required, but was not offered by host mail\.example\.net", log(lab, host, since)
        )
        journal = lab.run("outside", f"journalctl -q -o cat -t postfix/submission/smtpd --since '{since}'").stdout
        assert "disconnect from" in journal and "auth=" not in journal
    finally:
        lab.run("outside", f"postconf -P {plain.format('encrypt', 'yes')} && postfix reload")
    lab.run(host, "postqueue -f")
    at_outside(lab, "bob", subject)


@both
def test_with_header_from_owned_nobody_writes_in_the_name_of_others(
    routed: tuple[Lab, str], host: str, address: str
) -> None:
    """Its own address, an alias and a sub-address are a login's; a colleague's is not, nor a stranger's."""
    lab, _ = routed
    name, _, domain = address.partition("@")
    alias, colleague = {"mx1": ("info", "anna"), "mx2": ("sales", "dora")}[host]
    for sender in (address, f"{alias}@{domain}", f"{name}+shop@{domain}"):
        submit(lab, host, letter(sender, address, fresh("own")), login=address)
    for sender in (f"{colleague}@{domain}", "boss@bank.example"):
        with pytest.raises(smtplib.SMTPResponseException) as refused:
            submit(lab, host, letter(sender, address, fresh("other")), login=address)
        assert refused.value.smtp_code == 554 and b"not one of this login's" in bytes(refused.value.smtp_error)


def verdicts(lab: Lab, inventory: str) -> list[tuple[str, Any]]:
    done = run_command(lab, "ironpost", "verify", inventory, "--control", "TLC-07", "--json", "-")
    return [(row["state"], row["sides"]["inside"].get("found")) for row in json.loads(done.stdout)["results"]]


def test_verify_sees_a_smarthost_that_is_no_longer_proven(routed: tuple[Lab, str]) -> None:
    """TLC-07, broken in two ways on live hosts; the next deploy puts each right."""
    lab, inventory = routed
    assert [state for state, _ in verdicts(lab, inventory)] == ["holds", "holds"]
    lab.run("mx1", "postconf -e smtp_sasl_security_options=noanonymous smtp_tls_policy_maps= && postfix reload")
    lab.run("mx2", f"echo '{HOP} encrypt' >/etc/postfix/smarthost_tls")
    (state1, found1), (state2, found2) = verdicts(lab, inventory)
    assert (state1, state2) == ("broken", "broken")
    assert "may send a password in clear text" in found1 and "smtp_tls_policy_maps does not begin with" in found1
    assert f"{HOP}: what TLS must be is encrypt" in found2
    succeed(lab, "pyinfra", inventory, "deploys/mail.py", "-y")
    assert [state for state, _ in verdicts(lab, inventory)] == ["holds", "holds"]
