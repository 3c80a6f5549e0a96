"""Machines that send without a login, and hosts that mail is sent through: what is refused, what Postfix is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from ironpost.components import postfix_maps as maps
from ironpost.components.postfix import postfix
from ironpost.components.relaying import relaying_files
from ironpost.errors import InventoryError
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from tests.inventories import mailhost, write_inventory

PRINT = ":".join(["AB"] * 32)
OTHER = ":".join(["CD"] * 32)
MORE = "from ironpost.settings import ClientCertificates, RelayClient, Smarthost"
CA = 'ClientCertificates(authority="chain.pem")'
PRINTER = f'RelayClient(name="printer", domains=["example.org"], certificate="{PRINT}")'


def host(folder: Path, users: str = "", **settings: str) -> MailHost:
    path = write_inventory(folder, mailhost(**settings), before=MORE)
    file = folder / "users" / "example.org.toml"
    file.write_text(file.read_text() + users)
    return read_inventory(path).mailhosts[0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"relay_clients": f"[{PRINTER}]"}, "client_certificates: is not set, but relay client printer has"),
        (
            {"client_certificates": CA, "relay_clients": f"[{PRINTER.replace('example.org', 'example.net')}]"},
            "may send for example.net, which this host does not serve",
        ),
        ({"relay_clients": '[RelayClient(name="nas", domains=["example.org"])]'}, "either by certificate= or by"),
        (
            {"relay_clients": '[RelayClient(name="nas", domains=["example.org"], certificate="AB:CD")]'},
            "is not a SHA-256 fingerprint",
        ),
        (
            {"client_certificates": CA, "relay_clients": f"[{PRINTER}, {PRINTER}]"},
            f"{PRINT}: stands for two senders",
        ),
        ({"client_certificates": 'ClientCertificates(authority="no.pem")'}, "no.pem: no such file"),
        ({"smarthosts": '[Smarthost(host="a.example.net", user="x")]'}, "half a login"),
        ({"smarthosts": '[Smarthost(host="a.example.net", port=465)]'}, "is not supported; use its STARTTLS port"),
        (
            {"smarthosts": '[Smarthost(host="a.example.net"), Smarthost(host="b.example.net")]'},
            "two of them are for all senders",
        ),
    ],
)
def test_what_fits_nothing_else_is_told(tmp_path: Path, settings: dict[str, str], words: str) -> None:
    """A relay grant that is not what was meant must not come into force."""
    with pytest.raises(InventoryError, match=words.replace("(", r"\(")):
        host(tmp_path, **settings)


def test_a_machine_has_its_domains_and_a_user_the_login_besides(tmp_path: Path) -> None:
    """The certificate of a person is a second factor, not a way around the first."""
    mail = host(
        tmp_path,
        f'certificates = ["{OTHER}"]\n',
        client_certificates=CA,
        relay_clients=f'[{PRINTER}, RelayClient(name="nas", domains=["example.org"], addresses=["192.0.2.7"])]',
    )
    assert maps.client_certificates(mail) == {PRINT: "machine_1", OTHER: "user_1"}
    assert maps.relay_clients(mail) == {"192.0.2.7/32": "machine_2"}
    rules = {each.name: each.rules for each in mail.restriction_classes}
    assert rules["machine_1"] == "check_sender_access inline:{ {example.org = permit} }, reject"
    assert rules["user_1"] == "check_sasl_access inline:{ {anna@example.org = with_login} }, reject"
    assert {port.number for port in postfix(mail).ports} == {25, 465, 587, 4465, 2525}


def test_the_certificate_of_a_disabled_account_opens_nothing(tmp_path: Path) -> None:
    """Who left took the telephone along."""
    mail = host(tmp_path, f'certificates = ["{OTHER}"]\ndisabled = true\n', client_certificates=CA)
    assert maps.client_certificates(mail) == {}


def test_without_machines_their_ports_are_closed(tmp_path: Path) -> None:
    """What nobody asked for does not listen."""
    assert [port.number for port in postfix(host(tmp_path)).ports] == [25, 465, 587]


def test_a_smarthost_is_verified_by_name_and_its_login_stays_a_secret(tmp_path: Path) -> None:
    """The password must be in no output, plan or golden file, and go to nobody but the host that it is for."""
    mail = host(
        tmp_path,
        smarthosts='[Smarthost(host="a.example.net", user="us", password=Secret.file("key.pem")), '
        'Smarthost(host="b.example.net", domains=["example.org"], authority="chain.pem")]',
    )
    assert mail.relayhost == "[a.example.net]:587"
    assert maps.smarthosts(mail) == {"@example.org": "[b.example.net]:587"}
    assert maps.smarthost_tls(mail) == {
        "[a.example.net]:587": "secure match=a.example.net",
        "[b.example.net]:587": "secure match=b.example.net tafile=/etc/ssl/ironpost/smarthost-2.pem",
    }
    [login, authority] = relaying_files(mail)
    assert authority.path == "/etc/ssl/ironpost/smarthost-2.pem"
    assert login.is_secret and login.mode == 0o640 and "made for a test" not in repr(login)
    assert login.content.read() == "[a.example.net]:587 us:made for a test of settings"  # type: ignore[union-attr]
