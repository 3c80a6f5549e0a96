"""Certificates that the hosts fetch themselves, and keys that roll over while a DANE sender goes on sending."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ironpost.lab import Lab
from ironpost.lab.mail import letter, wait_for, write_from_outside
from tests.lab.deployment import BIN, DEPLOY, run_command, succeed
from tests.lab.inventories import by_acme
from tests.lab.test_dns import update

APPLY = ("ironpost", "dns", "apply")
HOSTS = {"mx1": "alice@example.org", "mx2": "dave@example.com"}
SHORT_TTL = (
    "        primary=_lab.name_servers[0],\n        servers",
    "        ttl=5,\n        primary=_lab.name_servers[0],\n        servers",
)
HELD = "/var/lib/ironpost/tls/state.json"
# What `tls roll` says when it has made a step; after each of them it is killed.
STEPS = ("rollover begun", "show the next key", "waits", "the next key is served", "on every port", "is destroyed")


def forget_names(lab: Lab) -> None:
    """Records that were published with the usual TTL a moment ago are asked for anew.

    Only after all name servers show the new ones, else the old ones are learnt once more; and a Postfix that has just
    delivered remembers TLSA records by itself, up to 100 s, whatever its resolver says. The hosts hear that nobody
    remembers the records of before any more, else they would wait for that TTL.
    """
    for host in HOSTS:
        wait_for(
            lambda host=host: len({frozenset(tlsa(lab, each, host, 25)) for each in lab.name_servers}) == 1 or None,  # type: ignore[misc]
            f"the name servers do not come to show the same keys of {host}",
        )
    lab.run("resolver", "unbound-control -q reload")
    for host in HOSTS:
        lab.run(host, "unbound-control -q flush_zone . && postfix reload")
        lab.run(host, f'test ! -e {HELD} || sed -i \'s/"held": [0-9]*/"held": 0/\' {HELD}')
    lab.run("outside", "postfix reload")


@pytest.fixture(scope="module")
def fetched(published: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, str]]:
    """Both hosts with certificates by ACME; afterwards with those from files again."""
    inventory = by_acme(tmp_path_factory.mktemp("acme"), SHORT_TTL)
    try:
        succeed(published, "pyinfra", inventory, "deploys/mail.py", "-y")
        # A set in which a value stays keeps its TTL, and the key stays when files give way to an authority.
        for host in HOSTS:
            name = published.host(host).fqdn
            gone = [(f"_{port}._tcp.{name}", "TLSA", None) for port in (25, 465, 587, 993, 995)]
            update(published, name.partition(".")[2], *gone)
        # Twice: an authority that some test started anew has forgotten the account, the host makes another one while it
        # fetches, and CAA learns of that by the next run.
        succeed(published, *APPLY, inventory)
        succeed(published, *APPLY, inventory)
        forget_names(published)
        yield published, inventory
    finally:
        succeed(published, *DEPLOY)
        succeed(published, *APPLY, "inventories/lab.py", "--insist")
        forget_names(published)


def statuses(lab: Lab, inventory: str) -> dict[str, dict[str, Any]]:
    done = run_command(lab, "ironpost", "tls", "status", inventory, "--json", "-")
    rows = json.loads(done.stdout[: done.stdout.rindex("}") + 1])["results"]
    return {row["mailhost"].partition(".")[0]: row for row in rows}


def served(lab: Lab, host: str, port: int, suites: str = "DEFAULT") -> x509.Certificate:
    """The leaf that a port shows, over TLS 1.2 with only these suites, or over 1.3."""
    target = lab.host(host)
    name = target.fqdn if port != 443 else f"mta-sts.{target.fqdn.partition('.')[2]}"
    words = ["-connect", f"{target.ipv4}:{port}", "-servername", name]
    words += ["-starttls", "smtp"] if port in (25, 587) else []
    words += ["-tls1_2", "-cipher", suites] if suites != "DEFAULT" else []
    done = subprocess.run(["openssl", "s_client", *words], input=b"", capture_output=True, timeout=20, check=False)
    pem = re.search(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", done.stdout, re.S)
    assert pem, f"{host} port {port}: {done.stderr.decode()[-500:]}"
    return x509.load_pem_x509_certificate(pem[0])


def digest(certificate: x509.Certificate) -> str:
    spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def tlsa(lab: Lab, server: str, host: str, port: int) -> set[str]:
    query = dns.message.make_query(f"_{port}._tcp.{lab.host(host).fqdn}", "TLSA")
    return {row.to_text() for rrset in dns.query.tcp(query, server, timeout=5).answer for row in rrset}


def test_each_host_serves_a_certificate_that_it_fetched_itself(fetched: tuple[Lab, str], mailhost: str) -> None:
    """For all of its names, on every port; the keys were born there and nobody else can read them."""
    lab, inventory = fetched
    for port in (25, 465, 587, 993, 995, 443):
        leaf = served(lab, mailhost, port)
        assert "Pebble" in leaf.issuer.rfc4514_string()
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        domain = lab.host(mailhost).fqdn.partition(".")[2]
        assert set(names.get_values_for_type(x509.DNSName)) == {
            lab.host(mailhost).fqdn,
            *(f"{word}.{domain}" for word in ("mta-sts", "autoconfig", "autodiscover")),
        }
    modes = lab.run(mailhost, "stat -c %a:%U /etc/ssl/ironpost/ecdsa.pem /var/lib/ironpost/tls/keys/*").stdout.split()
    assert set(modes) == {"600:root"}
    assert statuses(lab, inventory)[mailhost]["findings"] == []
    assert lab.run(mailhost, "systemctl is-active ironpost-certificate.timer").stdout.strip() == "active"


def test_an_rsa_certificate_is_served_beside_it_where_asked(fetched: tuple[Lab, str]) -> None:
    """Old senders know no ECDSA; mx1 says rsa=True."""
    lab, _ = fetched
    assert served(lab, "mx1", 25, "aRSA").public_key().key_size == 3072  # type: ignore[union-attr]
    assert served(lab, "mx1", 25, "aECDSA").public_key().key_size == 256  # type: ignore[union-attr]


def test_the_account_stands_in_caa_and_all_keys_in_tlsa(fetched: tuple[Lab, str], mailhost: str) -> None:
    """Only this account may have certificates issued, and both keys of each kind are known before they are served."""
    lab, inventory = fetched
    row = statuses(lab, inventory)[mailhost]
    wanted = {f"3 1 1 {key['sha256']}" for key in row["keys"]}
    assert len(wanted) == (4 if mailhost == "mx1" else 2)
    for server in lab.name_servers:
        for port in (25, 465, 587, 993, 995):
            assert tlsa(lab, server, mailhost, port) == wanted
    query = dns.message.make_query(lab.host(mailhost).fqdn, "CAA")
    values = [value.to_text() for rrset in dns.query.tcp(query, lab.name_servers[0]).answer for value in rrset]
    assert any(f"accounturi={row['account']}" in value for value in values), values


def test_a_second_run_changes_nothing(fetched: tuple[Lab, str]) -> None:
    """Keys and certificates that live on the host are no drift."""
    lab, inventory = fetched
    assert run_command(lab, "ironpost", "plan", inventory, "--exit-code", "--hosts-only").returncode == 0
    assert "nothing to do" in succeed(lab, "ironpost", "dns", "plan", inventory)


class Stream:
    """The outside operator, who enforces DANE, writes to both hosts again and again."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.sent, self.over = lab, 0, threading.Event()
        self.since = lab.run("outside", "date '+%F %T'").stdout.strip()
        self.writer = threading.Thread(target=self.write)

    def __enter__(self) -> Stream:
        self.writer.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.over.set()
        self.writer.join()

    def write(self) -> None:
        while not self.over.is_set():
            for address in HOSTS.values():
                write_from_outside(self.lab, "bob", letter("bob@example.net", address, f"stream {self.sent}"))
                self.sent += 1
            self.over.wait(0.5)

    def log(self) -> list[str]:
        return self.lab.run(
            "outside", f"journalctl -q -o cat --since '{self.since}' -t postfix/smtp"
        ).stdout.splitlines()

    def delivered(self) -> list[str] | None:
        lines = [line for line in self.log() if re.search(r"status=\w+", line) and "<bob@" not in line]
        return lines if len([line for line in lines if "status=sent" in line]) >= self.sent else None


class Rolling:
    """`ironpost tls roll --wait`, with its output read as it comes."""

    def __init__(self, lab: Lab, inventory: str, folder: Path) -> None:
        environment = os.environ | {"IRONPOST_LAB": lab.name, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [str(BIN / "ironpost"), "tls", "roll", inventory, "--wait"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.said: list[str] = []

    def kill_at(self, marker: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("mx1.") and marker in line:
                break
        else:
            raise AssertionError(f"it ended before it said {marker!r}: {''.join(self.said)}")
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(20)
        self.process.stdout.close()


# In the soak: a sender that has just learnt TLSA records with the ordinary TTL, from whatever test ran before, believes
# them for five minutes, and this test shortens the TTL of new records only.
@pytest.mark.soak
def test_no_letter_of_a_dane_sender_is_deferred_during_a_rollover(fetched: tuple[Lab, str], tmp_path: Path) -> None:
    """Killed after every step, and carried on each time by another controller: all state is on hosts and in DNS."""
    lab, inventory = fetched
    before = statuses(lab, inventory)
    with Stream(lab) as stream:
        for number, step in enumerate(STEPS):
            (tmp_path / str(number)).mkdir()
            Rolling(lab, by_acme(tmp_path / str(number), SHORT_TTL), tmp_path / str(number)).kill_at(step)
        text = succeed(lab, "ironpost", "tls", "roll", inventory, "--wait", "--older-than", "0")
    after = statuses(lab, inventory)
    for host in HOSTS:
        assert f"{lab.host(host).fqdn}: rolled over" in text
        old, new = (
            {row["state"] + row["kind"]: row["sha256"] for row in each[host]["keys"]} for each in (before, after)
        )
        assert new["currentecdsa"] == old["nextecdsa"] and new["nextecdsa"] not in old.values()
        assert {digest(served(lab, host, port)) for port in (25, 465, 587, 993, 995)} == {new["currentecdsa"]}
        for server in lab.name_servers:
            assert tlsa(lab, server, host, 25) == {f"3 1 1 {row['sha256']}" for row in after[host]["keys"]}
    lines = wait_for(stream.delivered, "the outside operator's letters are not all delivered")
    assert stream.sent > 20 and all("status=sent" in line for line in lines), [x for x in lines if "sent" not in x]
    secured = [line for line in stream.log() if "TLS connection established to mx" in line]
    assert secured and all(line.startswith("Verified") for line in secured), secured[:3]


@contextlib.contextmanager
def stopped(lab: Lab, host: str, unit: str) -> Iterator[None]:
    lab.run(host, f"systemctl stop {unit}")
    try:
        yield
    finally:
        lab.run(host, f"systemctl start {unit}")


@pytest.mark.soak
def test_a_rollover_waits_for_name_servers_and_outlives_an_authority_that_is_down(fetched: tuple[Lab, str]) -> None:
    """Each says what is missing; the current certificate is served all the while, and the next run finishes."""
    lab, inventory = fetched
    roll = ("ironpost", "tls", "roll", inventory, "--limit", lab.host("mx2").fqdn)
    key = digest(served(lab, "mx2", 25))
    with stopped(lab, "ns2", "knot"):
        done = run_command(lab, *roll, "--exit-code")
        assert done.returncode in (1, 3) and "does not answer" in done.stdout, done.stdout
    with stopped(lab, "resolver", "pebble"):
        done = run_command(lab, *roll, "--wait")
        assert done.returncode == 1
        assert "no certificate for the next key" in done.stdout and "the current one is served on" in done.stdout
        assert digest(served(lab, "mx2", 25)) == key
        [finding] = statuses(lab, inventory)["mx2"]["findings"]
        assert "the last attempt failed" in finding
    assert "rolled over" in succeed(lab, *roll, "--wait")
    assert digest(served(lab, "mx2", 25)) != key
    assert statuses(lab, inventory)["mx2"]["findings"] == []
