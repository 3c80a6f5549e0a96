"""A domain that others trust, over its life: bought certificates, then an authority's, renewals, policies, reports."""

from __future__ import annotations

import datetime
import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dns.resolver
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from ironpost.lab import Lab
from ironpost.lab.mail import by_imap, letter, write_from_outside
from ironpost.timers import command_line, write_timer
from tests.certificates import named
from tests.lab.deployment import DEPLOY, run_command, succeed
from tests.lab.inventories import by_acme, variant
from tests.lab.test_mail import fresh
from tests.lab.test_policy import ask
from tests.lab.test_tls import digest, served, statuses, stopped, tlsa
from tests.lab.test_trust_faults import mail_flows

INVENTORY = "inventories/lab.py"
APPLY = ("ironpost", "dns", "apply")
ADDRESSES = {"mx1": "alice@example.org", "mx2": "dave@example.com"}
PORTS = (25, 465, 587, 993, 995, 443)
TLS_PORTS = PORTS[:-1]
STORE = "/var/lib/ironpost/tls"
DAY = datetime.timedelta(days=1)


def txt(lab: Lab, name: str) -> list[str]:
    """What the name servers say now, not what a resolver remembers."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [lab.name_servers[0]]
    return [b"".join(row.strings).decode() for row in resolver.resolve(name, "TXT", lifetime=10)]


def test_the_mail_test_of_internet_nl_would_give_all_points(published: Lab) -> None:
    """Four categories at 100 %; the fifth is the network provider's, and said to be."""
    text = succeed(published, "ironpost", "verify", INVENTORY, "--profile", "internet.nl")
    for host in ADDRESSES:
        scores = text.partition(f"internet.nl, mail test of {published.host(host).fqdn}:")[2].splitlines()[1:6]
        assert [line.split()[:3] for line in scores[:4]] == [
            [category, "100", "%"] for category in ("IPv6", "DNSSEC", "Authentication", "TLS")
        ], text[-2000:]
        assert "provider only" in scores[4]


def test_a_name_server_that_is_silent_is_told_as_such(published: Lab) -> None:
    """Nothing is wrong that anybody has seen: exit 4, the address by name; mail flows by the other server."""
    with stopped(published, "ns2", "knot"):
        done = run_command(published, "ironpost", "dns", "check", INVENTORY, "--limit", "example.org")
        assert done.returncode == 4, done.stdout
        for address in (published.host("ns2").ipv4, published.host("ns2").ipv6):
            assert f"unknown: {address}: the name server does not answer; see that it is up" in done.stdout, done.stdout
        assert "wrong: " not in done.stdout
        mail_flows(published, ADDRESSES["mx1"])
    published.run("ns2", "knotc zone-refresh")


def test_a_report_on_tls_comes_to_whom_the_record_names(published: Lab) -> None:
    """As the large providers send it (RFC 8460 §5.3): a mail with JSON in gzip, which no filter takes for an attack."""
    [record] = txt(published, "_smtp._tls.example.org")
    assert record.startswith("v=TLSRPTv1; rua=mailto:")
    address, subject = record.partition("mailto:")[2], fresh("Report Domain: example.org Submitter: example.net")
    report = {
        "organization-name": "Example",
        "report-id": subject,
        "policies": [{"policy": {"policy-type": "sts"}, "summary": {"total-failure-session-count": 0}}],
    }
    sent = letter("bob@example.net", address, subject)
    sent["TLS-Report-Domain"], sent["TLS-Report-Submitter"] = "example.org", "example.net"
    packed = gzip.compress(json.dumps(report).encode())
    name = "example.net!example.org!1764288000!1764374399.json.gz"
    sent.add_attachment(packed, maintype="application", subtype="tlsrpt+gzip", filename=name)
    write_from_outside(published, "bob", sent)
    got = by_imap(published, "mx1", address, subject)
    [part] = [each for each in got.walk() if each.get_content_type() == "application/tlsrpt+gzip"]
    unpacked = part.get_payload(decode=True)
    assert isinstance(unpacked, bytes) and json.loads(gzip.decompress(unpacked)) == report


def test_a_policy_goes_from_testing_to_enforce_step_by_step(published: Lab, tmp_path: Path) -> None:
    """The record comes after the policy: who is told of a new one finds it."""
    inventory = variant(tmp_path, ('mta_sts="testing"', 'mta_sts="enforce"'))
    limit = ("--limit", published.host("mx2").fqdn)
    [before] = txt(published, "_mta-sts.example.com")
    done = run_command(published, *APPLY, inventory, "--limit", "example.com")
    assert done.returncode == 1, done.stdout
    assert "_mta-sts.example.com TXT (STS) held back: https://mta-sts.example.com/" in done.stdout
    assert "deploy mx2.example.com with a certificate that holds this name, then run this again" in done.stdout
    assert txt(published, "_mta-sts.example.com") == [before]
    try:
        succeed(published, "pyinfra", inventory, "deploys/mail.py", "-y", *limit)
        succeed(published, *APPLY, inventory, "--limit", "example.com")
        [after] = txt(published, "_mta-sts.example.com")
        assert before.partition("id=")[2].startswith("t") and after.partition("id=")[2].startswith("e")
        [[status, _, policy]] = ask(published, ("GET", "https://mta-sts.example.com/.well-known/mta-sts.txt"))
        assert status == 200 and "mode: enforce" in policy
        mail_flows(published, ADDRESSES["mx2"])
    finally:
        succeed(published, *DEPLOY, *limit)
        succeed(published, *APPLY, INVENTORY, "--insist")
    assert txt(published, "_mta-sts.example.com") == [before]


@pytest.mark.parametrize("host", list(ADDRESSES))
def test_a_timer_gives_each_word_to_the_command_as_it_was(published: Lab, host: str) -> None:
    """By systemd itself, on both releases: it would read %h, $HOME and backslashes its own way."""
    words = ["a b", "100%", "%h", "$HOME", "${HOME}", "it's", 'say "yes"', "a\\tb", ";", "", "é"]
    unit = f"[Service]\nType=oneshot\nExecStart={command_line('/usr/bin/printf', '[%s]', *words)}\n"
    published.run(host, "cat >/run/systemd/system/words.service && systemctl daemon-reload", input=unit)
    try:
        command = "systemctl start words && journalctl --sync && journalctl -q -o cat -u words -t printf -n 1"
        assert published.run(host, command).stdout.strip() == "".join(f"[{word}]" for word in words)
    finally:
        published.run(host, "rm /run/systemd/system/words.service && systemctl daemon-reload")


@pytest.mark.parametrize("host", list(ADDRESSES))
def test_systemd_finds_no_fault_in_a_timer(
    published: Lab, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the worst of names, by systemd-analyze of both releases, which does name a program that is not there."""
    folder = "/run/bin $x 5%"
    monkeypatch.setattr(sys, "executable", f"{folder}/python3")
    words = ["plan", "a b/50%n $HOME 'x' \"y\" \\q.py", ";", "${Z}"]
    paths = write_timer(tmp_path, "ironpost-x", "All 100%", words)
    published.run(host, f"mkdir '{folder}' /run/units")
    try:
        for path in paths:
            published.run(host, f"cat >/run/units/{path.name}", input=path.read_text())
        verify = f"systemd-analyze verify --man=no {' '.join(f'/run/units/{path.name}' for path in paths)} 2>&1"
        lacking = published.run(host, verify, check=False)
        assert f"{folder}/ironpost is not executable: No such file" in lacking.stdout
        published.run(host, f"ln -s /bin/true '{folder}/ironpost'")
        assert published.run(host, verify).stdout == ""
    finally:
        published.run(host, f"rm -r '{folder}' /run/units")


@dataclass(frozen=True)
class Moved:
    """Both hosts went from files to an authority that did not answer at first. What was served, and what was said."""

    lab: Lab
    inventory: str
    before: dict[tuple[str, int], x509.Certificate]
    meanwhile: dict[tuple[str, int], x509.Certificate]
    known: dict[str, set[str]]  # TLSA meanwhile, of all servers and ports alike
    said: dict[str, tuple[int, str]]


def seen(lab: Lab) -> dict[tuple[str, int], x509.Certificate]:
    return {(host, port): served(lab, host, port) for host in ADDRESSES for port in PORTS}


def known(lab: Lab, host: str) -> set[str]:
    """The TLSA values that every server has at every port."""
    return set.intersection(*(tlsa(lab, server, host, port) for server in lab.name_servers for port in TLS_PORTS))


@pytest.fixture(scope="module")
def moved(published: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moved]:
    """Afterwards with certificates from files again."""
    lab, inventory, before = published, by_acme(tmp_path_factory.mktemp("acme")), seen(published)
    try:
        with stopped(lab, "resolver", "pebble"):
            succeed(lab, "pyinfra", inventory, "deploys/mail.py", "-y")
            ways = (*APPLY, inventory), ("pyinfra", inventory, "deploys/dns.py", "-y")
            done = {words[0]: run_command(lab, *words) for words in ways}
            said = {program: (each.returncode, each.stdout) for program, each in done.items()}
            meanwhile, tellings = seen(lab), {host: known(lab, host) for host in ADDRESSES}
            for address in ADDRESSES.values():
                mail_flows(lab, address)
        succeed(lab, *APPLY, inventory)
        yield Moved(lab, inventory, before, meanwhile, tellings, said)
    finally:
        succeed(lab, *DEPLOY)
        succeed(lab, *APPLY, INVENTORY, "--insist")


def test_the_old_certificate_is_served_until_the_new_one_is_there(moved: Moved) -> None:
    """To the byte, on every port; then the authority's, for the same key, so that DNS is right throughout."""
    assert moved.meanwhile == moved.before
    after = seen(moved.lab)
    for host in ADDRESSES:
        mine = {digest(each[host, port]) for each in (moved.before, after) for port in PORTS}
        assert len(mine) == 1, "the key stays"
        assert f"3 1 1 {mine.pop()}" in moved.known[host] & known(moved.lab, host)
        assert all("Pebble" in after[host, port].issuer.rfc4514_string() for port in PORTS)


@pytest.mark.parametrize("program", ["ironpost", "pyinfra"])
def test_a_host_that_got_no_certificate_is_told_in_one_sentence(moved: Moved, program: str) -> None:
    """Which host, what its authority said, what to do; exit 1, by either way to publish."""
    status, text = moved.said[program]
    assert status == 1 and "Traceback" not in text, text
    for host, remedy in (("mx1", "finds the name servers"), ("mx2", "reaches port 80 of this host")):
        name = f"{moved.lab.host(host).fqdn}: got no new certificate, and serves the one of before ("
        sentence = text.partition(name)[2].partition("then run this again")[0]
        assert moved.lab.host("resolver").fqdn in sentence or "acme" in sentence, text
        assert f"see that it {remedy}" in " ".join(sentence.split()), text


def aged(leaf: x509.Certificate) -> str:
    """A chain for the same key and names of which less than a third of the lifetime is left."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    builder = x509.CertificateBuilder(named("another CA"), named("mx2"), leaf.public_key(), leaf.serial_number)
    builder = builder.not_valid_before(now - 70 * DAY).not_valid_after(now + 20 * DAY).add_extension(names, False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def test_a_renewal_keeps_the_key_and_one_that_fails_keeps_the_certificate(moved: Moved) -> None:
    """While the authority is away the old one is served, mail flows, and `tls status` says that time runs out."""
    lab, inventory = moved.lab, moved.inventory
    before = served(lab, "mx2", 25)
    old = aged(before)
    name = json.loads(lab.run("mx2", f"cat {STORE}/state.json").stdout)["keys"]["ecdsa"]["current"]
    with stopped(lab, "resolver", "pebble"):
        lab.run("mx2", f"cat >{STORE}/chains/{name}.pem", input=old)
        lab.run("mx2", "systemctl start ironpost-certificate.service", check=False)
        assert {served(lab, "mx2", port) for port in PORTS} == {x509.load_pem_x509_certificate(old.encode())}
        done = run_command(lab, "ironpost", "tls", "status", inventory, "--limit", lab.host("mx2").fqdn)
        assert done.returncode == 1, done.stdout
        assert "less than a third of the ecdsa certificate's lifetime remains" in done.stdout
        assert "the last attempt failed (1 time in a row): " in done.stdout
        mail_flows(lab, ADDRESSES["mx2"])
    succeed(lab, *APPLY, inventory)  # does not wait for the next turn of the timer
    after = served(lab, "mx2", 25)
    assert digest(after) == digest(before) and "Pebble" in after.issuer.rfc4514_string()
    assert after.serial_number != before.serial_number
    assert statuses(lab, inventory)["mx2"]["findings"] == []
