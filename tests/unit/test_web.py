"""What the small web server is told, and the texts that it answers with."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ironpost.certificate import certificate_mistakes
from ironpost.components.autoconfig import OUTLOOK_RESPONSE, outlook, thunderbird
from ironpost.components.web import web
from ironpost.dns.records.web import web_sets
from ironpost.inventory import read_inventory
from ironpost.mailhost import MailHost
from ironpost.mailhost.sts import policy, policy_id
from tests.inventories import mailhost, write_inventory
from tests.unit.test_certificate import CA, NOW, leaf

# RFC 8461 §3.2, the ABNF of a policy, and of an id in §3.1; written from the text of the standard.
POLICY = re.compile(
    r"version: STSv1\nmode: (none|testing|enforce)\n(mx: [a-z0-9.-]+\n)*max_age: ([0-9]{1,10})\n", re.ASCII
)
ID = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)


def hosts(folder: Path, *settings: str) -> tuple[MailHost, ...]:
    """One mail host for each text of domain settings; all of them serve example.org."""
    written = [
        mailhost(
            name=f'"mx{number}.example.org"',
            ipv4=f'"127.0.0.{number}"',
            domains=f'[Domain(name="example.org", users="users/example.org.toml", {said})]',
        )
        for number, said in enumerate(settings, start=1)
    ]
    return read_inventory(write_inventory(folder, *written)).mailhosts


def read_xml(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text.encode())  # noqa: S314 - our own text


def test_nothing_is_installed_where_nothing_is_asked_for(tmp_path: Path) -> None:
    """A port that nobody needs is a port to defend. A web server of earlier is switched off."""
    part = web(hosts(tmp_path, "")[0])
    assert (part.packages, part.files, part.ports) == ((), (), ())
    assert [(unit.name, unit.state) for unit in part.units] == [("nginx.service", "masked")]


@pytest.mark.parametrize("mode", ["none", "testing", "enforce"])
def test_a_policy_is_one_by_the_grammar_of_the_standard(tmp_path: Path, mode: str) -> None:
    """A policy that cannot be parsed protects nobody, and no sender says so."""
    domain = hosts(tmp_path, f'mta_sts="{mode}"')[0].domains[0]
    read = POLICY.fullmatch(policy(domain))
    assert read and read[1] == mode and int(read[3]) <= 31_557_600
    assert ID.fullmatch(policy_id(domain))


def test_a_policy_names_all_hosts_of_the_domain_on_each_of_them(tmp_path: Path) -> None:
    """A sender that enforces it refuses an MX host that one copy forgets."""
    texts = {policy(host.domains[0]) for host in hosts(tmp_path, 'mta_sts="enforce"', 'mta_sts="enforce"')}
    assert texts == {
        "version: STSv1\nmode: enforce\nmx: mx1.example.org\nmx: mx2.example.org\nmax_age: 1209600\n",
    }


def test_another_text_has_another_id(tmp_path: Path) -> None:
    """Senders fetch a policy again when, and only when, its id is another (RFC 8461 §3.3)."""
    one = hosts(tmp_path, 'mta_sts="enforce"')[0].domains[0]
    two = hosts(tmp_path, 'mta_sts="enforce"', 'mta_sts="enforce"')[0].domains[0]
    again = hosts(tmp_path, 'mta_sts="enforce"')[0].domains[0]
    assert policy_id(one) == policy_id(again) != policy_id(two)


def test_the_mode_is_the_same_on_all_hosts(tmp_path: Path) -> None:
    """Two hosts that answer one name differently are a policy that nobody can rely on."""
    with pytest.raises(Exception, match=r"example\.org: mta_sts is 'enforce' on mx1\.example\.org and 'testing' on"):
        hosts(tmp_path, 'mta_sts="enforce"', 'mta_sts="testing"')


def test_reports_go_to_a_mailbox_that_exists(tmp_path: Path) -> None:
    """A report that bounces was written in vain."""
    with pytest.raises(Exception, match=r"tls_reports: nobody@example\.org has no mailbox here"):
        hosts(tmp_path, 'tls_reports="nobody@example.org"')


def test_settings_for_thunderbird_are_xml_with_all_servers(tmp_path: Path) -> None:
    """The program gives up silently on anything else."""
    host = hosts(tmp_path, "autoconfig=True")[0]
    provider = read_xml(thunderbird(host.domains[0], host)).find("emailProvider")
    assert provider is not None and provider.findtext("domain") == "example.org"
    found = {
        (server.get("type"), server.findtext("hostname"), server.findtext("port"), server.findtext("socketType"))
        for server in provider
        if server.tag.endswith("Server")
    }
    assert found == {(kind, "mx1.example.org", port, "SSL") for kind, port in KINDS}
    assert {server.findtext("username") for server in provider if server.tag.endswith("Server")} == {"%EMAILADDRESS%"}


def test_settings_for_outlook_are_xml_with_all_servers(tmp_path: Path) -> None:
    """Outlook's schema is told apart by its name space."""
    host = hosts(tmp_path, "autoconfig=True")[0]
    root = read_xml(outlook(host.domains[0], host))
    protocols = root.iter(f"{{{OUTLOOK_RESPONSE}}}Protocol")
    found = {
        tuple(protocol.findtext(f"{{{OUTLOOK_RESPONSE}}}{name}") for name in ("Type", "Server", "Port", "SSL"))
        for protocol in protocols
    }
    assert found == {(kind.upper(), "mx1.example.org", port, "on") for kind, port in KINDS}


KINDS = (("imap", "993"), ("pop3", "995"), ("smtp", "465"))


def test_each_name_leads_to_every_host_of_the_domain(tmp_path: Path) -> None:
    """One host that is away must not keep senders from the policy."""
    serving = hosts(tmp_path, 'mta_sts="testing", autoconfig=True', 'mta_sts="testing", autoconfig=True')
    sets = {each.id.name: each.values for each in web_sets(serving[0].domains[0], serving, {})}
    assert sets == {
        f"{name}.example.org": ("127.0.0.1", "127.0.0.2") for name in ("mta-sts", "autoconfig", "autodiscover")
    }


def test_a_certificate_without_the_policy_name_is_told(tmp_path: Path) -> None:
    """Senders drop a policy whose certificate does not name it (RFC 8461 §3.3)."""
    [host] = hosts(tmp_path, 'mta_sts="testing"')
    (tmp_path / "chain.pem").write_text(leaf("mx1.example.org") + CA)
    assert certificate_mistakes(host, NOW) == [
        "chain.pem: names mx1.example.org, not mta-sts.example.org; have one issued for this name"
    ]
    (tmp_path / "chain.pem").write_text(leaf("mx1.example.org", "mta-sts.example.org") + CA)
    assert certificate_mistakes(host, NOW) == []
