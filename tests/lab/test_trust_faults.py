"""What a domain rests on, on a bad day: each fault ends in a sentence, and mail goes on flowing."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import letter, wait_for, write_from_outside
from tests.lab.deployment import BIN, TOP, run_command, succeed
from tests.lab.test_dns import shown
from tests.lab.test_dns_faults import cut_off
from tests.lab.test_mail import fresh
from tests.lab.test_tls import digest, fetched, served, statuses, tlsa

__all__ = ["fetched"]
KNOT = "/etc/knot/knot.conf"
ZONE = "unsigned.example"
ZONE_FILE = f"{ZONE}. 60 SOA ns1.dns.example. a.dns.example. 1 60 5 900 5\n{ZONE}. 60 NS ns1.dns.example.\n"
RULE = "  - id: unsigned\\n    key: example.com.\\n    action: update"
BLOCK = f"  - domain: {ZONE}.\n    dnssec-signing: off\n    notify: []\n    acl: [ unsigned ]\n"
INVENTORY = """\
from ironpost.fleet import fleet
from ironpost.lab import Lab
from ironpost.mailhost import Domain, MailHost
from ironpost.secret import Secret
from ironpost.settings import Allow, CertificateFiles, Rfc2136, Ssh, TsigKey

_lab = Lab.current()
_host, _key = _lab.host("mx2"), _lab.tsig("example.com")
_chain, _secret = _lab.certificate("mx2.unsigned.example")
_ssh = Ssh(user=_host.ssh_user, address=_host.ipv4, key=str(_lab.ssh_key), known_hosts=str(_lab.known_hosts))
_dns = Rfc2136(
    primary=_lab.name_servers[0],
    servers=_lab.name_servers[:1],
    key=TsigKey(name=_key.name, secret=Secret.file(_key.secret_file)),
)
mail = fleet(
    MailHost(
        name="mx2.unsigned.example",
        release=_host.release,
        tls="modern",
        ipv4=_host.ipv4,
        ssh=_ssh,
        admin="anna@unsigned.example",
        domains=[Domain(name="unsigned.example", users="users.toml", dns=_dns, sends_already=False)],
        certificate=CertificateFiles(chain=str(_chain), key=Secret.file(_secret)),
        allow=Allow(ssh=_lab.controller),
    ),
    resolvers=[_lab.resolver],
)
"""
USERS = TOP / "inventories/users/example.org.toml"


def mail_flows(lab: Lab, address: str) -> None:
    """From the outside operator, who enforces DANE, into a mailbox; looked for on the host, whose certificate may be of
    an authority that this controller does not trust."""
    subject = fresh("still flowing")
    write_from_outside(lab, "bob", letter("bob@example.net", address, subject))
    host = "mx1" if address.endswith(".org") else "mx2"
    search = f"doveadm search -u {address} mailbox INBOX subject '{subject}'"
    wait_for(lambda: lab.run(host, search, check=False).stdout.strip() or None, f"{address}: {subject!r} did not come")


@pytest.fixture
def unsigned(published: Lab, tmp_path: Path) -> Iterator[str]:
    """A zone that nobody signs, and an inventory for it."""
    (tmp_path / "inventory.py").write_text(INVENTORY)
    shutil.copy(USERS, tmp_path / "users.toml")
    published.run("ns1", f"cp -p {KNOT} {KNOT}.signed && sed -i 's/^acl:$/&\\n{RULE}/' {KNOT}")
    published.run("ns1", f"cat >>{KNOT}", input=BLOCK)
    published.run("ns1", f"cat >/var/lib/knot/{ZONE}.zone && chown knot: /var/lib/knot/{ZONE}.zone", input=ZONE_FILE)
    published.run("ns1", "knotc reload")
    try:
        yield str(tmp_path / "inventory.py")
    finally:
        published.run("ns1", f"mv {KNOT}.signed {KNOT}; knotc reload; rm -f /var/lib/knot/{ZONE}.zone")


def test_a_zone_without_dnssec_gets_no_tlsa_records(published: Lab, unsigned: str) -> None:
    """They would prove nothing, and some senders would still hold us to them (RFC 7672 §2.2)."""
    done = run_command(published, "ironpost", "dns", "apply", unsigned)
    assert f"{ZONE}: is not signed (RFC 4033), so SSHFP and TLSA records would prove nothing" in done.stdout, (
        done.stdout
    )
    assert "sign it" in done.stdout and "Traceback" not in done.stdout
    server, host = published.name_servers[0], published.host("mx2")
    assert shown(server, f"mx2.{ZONE}", "A") == {host.ipv4}
    for port in (25, 465, 587, 993, 995):
        assert shown(server, f"_{port}._tcp.mx2.{ZONE}", "TLSA") == set()
    assert tlsa(published, server, "mx2", 25)  # of its name in the signed zone
    mail_flows(published, "dave@example.com")


@contextlib.contextmanager
def port_80_shut(lab: Lab, host: str) -> Iterator[None]:
    """The authority cannot look at what proves the names, and has forgotten, by a new start, that it ever could."""
    lab.run(host, "nft insert rule inet ironpost input tcp dport 80 reject with tcp reset")
    lab.run("resolver", "systemctl restart pebble")
    try:
        yield
    finally:
        lab.run(host, "systemctl reload nftables")


@pytest.mark.soak
def test_a_rollover_outlives_old_serials_wrong_clocks_and_an_authority_that_refuses(fetched: tuple[Lab, str]) -> None:
    """The key that is served changes in none of these, and mail flows in each."""
    lab, inventory = fetched
    roll = ("ironpost", "tls", "roll", inventory, "--limit", lab.host("mx2").fqdn)
    with cut_off(lab, "example.com"):
        done = run_command(lab, *roll, "--wait")  # the key after the new one comes to the primary alone
        assert done.returncode == 1 and "does not show the new _25._tcp" in done.stdout, done.stdout
        key = digest(served(lab, "mx2", 25))
        assert "rolled over" in succeed(lab, *roll)  # nobody needs that key yet
        done = run_command(lab, *roll, "--exit-code")  # and now it would be the next to be served
        assert done.returncode == 3 and "does not show the next key" in done.stdout, done.stdout
        assert "see whether it gets the zone" in done.stdout
        mail_flows(lab, "dave@example.com")
    succeed(lab, "ironpost", "dns", "check", inventory, "--limit", "example.com", "--wait", "60", "--quiet")
    program = shutil.which("faketime")
    assert program, "faketime is missing; `make host-packages` installs it"
    for lie in ("+1h", "-1h"):
        done = run_command(lab, program, "-f", lie, str(BIN / "ironpost"), *roll[1:], "--exit-code")
        assert done.returncode == 3 and "waits " in done.stdout, done.stdout
        assert digest(served(lab, "mx2", 25)) == key
    with port_80_shut(lab, "mx2"):
        done = run_command(lab, *roll, "--wait")
        assert done.returncode == 1 and "no certificate for the next key" in done.stdout, done.stdout
        assert digest(served(lab, "mx2", 25)) == key
        [finding] = statuses(lab, inventory)["mx2"]["findings"]
        assert "the last attempt failed" in finding
        mail_flows(lab, "dave@example.com")
    assert "rolled over" in succeed(lab, *roll, "--wait")
    assert digest(served(lab, "mx2", 25)) != key
    mail_flows(lab, "dave@example.com")
