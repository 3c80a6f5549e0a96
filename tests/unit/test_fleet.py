"""What `fleet` refuses, in words, before anything connects."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from ironpost.errors import InventoryError
from ironpost.inventory import read_inventory
from tests.inventories import HASH, mailhost, write_inventory

DOMAIN = 'Domain(name="example.org", users="users/example.org.toml")'
LABEL = DOMAIN[:-1] + ', dkim=Dkim(rsa="2026 q1", ed25519="k"))'
HALF = DOMAIN[:-1] + ', dkim=Dkim(rsa="k"))'
SAME = DOMAIN[:-1] + ', dkim=Dkim(rsa="k", ed25519="k"))'

BAD = [
    ({"nmae": '"x"'}, "nmae: there is no such setting"),
    ({"release": None}, "release: is missing"),
    ({"release": '"sid"'}, "release: Input should be 'bookworm' or 'trixie'"),
    ({"tls": None}, "tls: is missing"),
    ({"name": '"mx1 example.org"'}, "is not a DNS name"),
    ({"name": r'"mx1.example.org\n"'}, "is not a DNS name"),
    ({"name": '"mx1.example.org; reboot"'}, "is not a DNS name"),
    ({"name": '"192.0.2.1"'}, "is an address, not a name"),
    ({"ipv4": '"192.0.2.300"'}, "is not an address"),
    ({"ipv4": '"192.0.2.1/24"'}, "is not an address"),
    ({"ipv4": '"2001:db8::1"'}, "is not an IPv4 address"),
    ({"ipv4": None}, "has neither ipv4 nor ipv6"),
    ({"allow": 'Allow(ssh=["192.0.2.1/24"])'}, "is not a network"),
    ({"allow": 'Allow(ssh="192.0.2.0/24")'}, "is not a list; put it into brackets"),
    ({"domains": "[]"}, "domains: [] is not enough; name at least 1"),
    ({"domains": f"[{DOMAIN}, {DOMAIN}]"}, "stands twice"),
    ({"domains": f"[{LABEL}]"}, "is not a DNS label"),
    ({"domains": f"[{HALF}]"}, "names one selector of two"),
    ({"domains": f"[{SAME}]"}, "both keys have the selector"),
    ({"domains": '[Domain(name="example.org", users="users/none.toml")]'}, "none.toml: No such file"),
    ({"admin": '"nobody@example.org"'}, "has no mailbox here"),
    ({"admin": r'"anna@example.org\nrelayhost=x"'}, "is not a DNS name"),
    ({"certificate": 'CertificateFiles(chain="no.pem", key=Secret.file("key.pem"))'}, "no.pem: no such file"),
    ({"certificate": 'CertificateFiles(chain="chain.pem", key="-----BEGIN")'}, "must not stand in an inventory"),
    ({"certificate": 'CertificateFiles(chain="chain.pem", key=Secret.env("NOT_SET_HERE"))'}, "is not set"),
    ({"limits": "Limits(message_bytes=5)"}, "greater than or equal to 1000000"),
    ({"time_zone": '"Europe/Berlin; reboot"'}, "is not a time zone"),
    ({"ssh": 'Ssh(user="root -oProxyCommand=x")'}, "is not of the form that is needed"),
    ({"ssh": 'Ssh(address="-oProxyCommand=x")'}, "is not a DNS name"),
    ({"ssh": "Ssh(port=70000)"}, "port: Input should be less than or equal to 65535"),
]


@pytest.mark.parametrize(("changes", "words"), BAD, ids=[words for _, words in BAD])
def test_a_mistake_is_told_with_file_and_line(tmp_path: Path, changes: dict[str, str | None], words: str) -> None:
    """An operator who mistypes must learn where and what, not read a traceback."""
    inventory = write_inventory(tmp_path, mailhost(**changes))
    with pytest.raises(InventoryError) as refused:
        read_inventory(inventory)
    assert words in str(refused.value)
    assert "inventory.py:" in str(refused.value)


def test_all_mistakes_of_all_hosts_come_together(tmp_path: Path) -> None:
    """Nobody wants to fix one mistake a run."""
    second = mailhost(name='"mx2.example.org"', release='"sid"', ipv4='"nowhere"')
    inventory = write_inventory(tmp_path, mailhost(tls='"none"'), second)
    with pytest.raises(InventoryError) as refused:
        read_inventory(inventory)
    assert len(str(refused.value).splitlines()) == 1 + 3


@pytest.mark.parametrize("name", ["relay_domains", "hosts"])
def test_a_stray_list_is_refused(tmp_path: Path, name: str) -> None:
    """pyinfra takes every list of the file for hosts, and would connect to what stands in it."""
    inventory = write_inventory(tmp_path, mailhost(), before=f'{name} = ["example.com"]')
    with pytest.raises(InventoryError, match=f"call it _{name}"):
        read_inventory(inventory)


def test_two_hosts_do_not_share_a_name_or_an_address(tmp_path: Path) -> None:
    """A copied block that was not edited would deploy twice to one host."""
    inventory = write_inventory(tmp_path, mailhost(), mailhost())
    with pytest.raises(
        InventoryError, match=r"(?s)two mail hosts have this host name.*two mail hosts have this address"
    ):
        read_inventory(inventory)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("", "", "selectors that begin with mx1"),
        (', dkim=Dkim(rsa="k1", ed25519="k2")', ', dkim=Dkim(rsa="k2", ed25519="k3")', "the selector k2"),
        ("", ', dkim=Dkim(label="mx1-b")', ""),
    ],
)
def test_two_hosts_of_a_domain_do_not_share_selectors(tmp_path: Path, first: str, second: str, words: str) -> None:
    """Each makes its own keys: under one selector they would break each other's mail, and be revoked together."""
    domains = [f"[{DOMAIN[:-1]}{dkim})]" for dkim in (first, second)]
    other = {"name": '"mx1.example.net"', "ipv4": '"127.0.0.2"'}
    inventory = write_inventory(tmp_path, mailhost(domains=domains[0]), mailhost(domains=domains[1], **other))
    if not words:
        read_inventory(inventory)
        return
    with pytest.raises(InventoryError, match=words):
        read_inventory(inventory)


def test_an_empty_fleet_is_refused(tmp_path: Path) -> None:
    """pyinfra would connect to nobody and report success."""
    with pytest.raises(InventoryError, match="names no mail host"):
        read_inventory(write_inventory(tmp_path))


def test_an_inventory_without_fleet_is_refused(tmp_path: Path) -> None:
    """A list of bare objects is ignored by pyinfra, with exit 0 and no host."""
    path = tmp_path / "inventory.py"
    path.write_text("mail = []\n")
    with pytest.raises(InventoryError, match="fleet"):
        read_inventory(path)


@pytest.mark.parametrize("text", ["mail = fleet(", "mail = flet()", "import nothing_of_that_name", "1/0"])
def test_python_mistakes_are_told_with_their_line(tmp_path: Path, text: str) -> None:
    """Operators know Postfix, not always Python."""
    path = tmp_path / "inventory.py"
    path.write_text(text + "\n")
    with pytest.raises(InventoryError, match=r"inventory\.py:1: "):
        read_inventory(path)


def test_the_fleet_is_what_pyinfra_reads(tmp_path: Path) -> None:
    """Host keys are verified and sudo is used exactly when the user is not root."""
    ssh = 'Ssh(user="operator", port=2222)'
    inventory = write_inventory(tmp_path, mailhost(ssh=ssh))
    [(name, options)] = read_inventory(inventory)
    assert name == "mx1.example.org"
    assert options["ssh_strict_host_key_checking"] == "yes"
    assert (options["ssh_user"], options["ssh_port"], options["_sudo"]) == ("operator", 2222, True)


def test_nothing_shows_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever prints, serialises or formats a mail host must only show where its secrets come from."""
    monkeypatch.setenv("PLANTED", "planted-value-8731")
    certificate = 'CertificateFiles(chain="chain.pem", key=Secret.env("PLANTED"))'
    [host] = read_inventory(write_inventory(tmp_path, mailhost(certificate=certificate))).mailhosts
    assert host.certificate.key.read() == "planted-value-8731"
    views = [repr(host), str(host), f"{host}", json.dumps(host.to_json()), repr(host.accounts)]
    views += [repr(pickle.dumps(host.certificate)), host.model_dump_json(), f"{host.certificate.key:>20}"]
    assert not [view for view in views if "planted-value-8731" in view or HASH in view]
    assert "Secret.env(PLANTED)" in repr(host)
