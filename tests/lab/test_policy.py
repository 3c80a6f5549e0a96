"""The small web server as strangers meet it, and what DNS says of its policies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import dns.resolver
import pytest

from ironpost.lab import Lab
from tests.lab.deployment import run_command, succeed
from tests.lab.inventories import variant

HOSTS = [
    pytest.param("mx1", "example.org", id="trixie"),
    pytest.param("mx2", "example.com", id="bookworm"),
]
each = pytest.mark.parametrize(("host", "domain"), HOSTS)
# Written by hand: what other servers must find.
POLICIES = {
    "example.org": "version: STSv1\nmode: enforce\nmx: mx1.example.org\nmax_age: 1209600\n",
    "example.com": "version: STSv1\nmode: testing\nmx: mx2.example.com\nmax_age: 604800\n",
}

# Asks by name, with the stranger's own resolver and roots. In: JSON rows [method, url]. Out: [status, type, body].
ASK = """
import json, sys, urllib.error, urllib.request
class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None
ask = urllib.request.build_opener(Stay).open
found = []
for method, url in json.loads(sys.argv[1]):
    body = b"<Autodiscover/>" if method == "POST" else None
    try:
        reply = ask(urllib.request.Request(url, data=body, method=method), timeout=10)
        found.append([reply.status, reply.headers.get_content_type(), reply.read().decode()])
    except urllib.error.HTTPError as error:
        found.append([error.code, "", ""])
    except OSError as error:
        found.append([0, "", str(error)])
print(json.dumps(found))
"""


def ask(lab: Lab, *rows: tuple[str, str]) -> list[Any]:
    done = lab.run("stranger", f"python3 - '{json.dumps(rows)}'", input=ASK)
    found: list[Any] = json.loads(done.stdout)
    return found


@each
def test_the_policy_is_found_as_other_servers_look_for_it(published: Lab, host: str, domain: str) -> None:
    """By name, over verified TLS, as plain text, and with nothing beside it."""
    top = f"https://mta-sts.{domain}"
    policy, start, upload = ask(published, ("GET", f"{top}/.well-known/mta-sts.txt"), ("GET", top), ("POST", top))
    assert policy == [200, "text/plain", POLICIES[domain]]
    assert (start[0], upload[0]) == (404, 405)


@each
def test_mail_programs_find_their_settings(published: Lab, host: str, domain: str) -> None:
    """Thunderbird gets its file at both places; Outlook asks by POST and is answered all the same."""
    name = published.host(host).fqdn
    config = "mail/config-v1.1.xml"
    pages = (
        ("GET", f"https://autoconfig.{domain}/{config}?emailaddress=anna@{domain}"),
        ("GET", f"https://autoconfig.{domain}/.well-known/autoconfig/{config}"),
        ("GET", f"https://autodiscover.{domain}/autodiscover/autodiscover.xml"),
        ("POST", f"https://autodiscover.{domain}/Autodiscover/Autodiscover.xml"),
    )
    for status, kind, body in ask(published, *pages):
        assert (status, kind) == (200, "text/xml")
        texts = {element.text for element in ElementTree.fromstring(body.encode()).iter()}  # noqa: S314 - our own host
        assert {name, "993", "995", "465"} <= texts


@each
def test_an_unknown_name_gets_no_handshake(published: Lab, host: str, domain: str) -> None:
    """What is not listed is not there, not even a certificate that tells what else is."""
    server = published.host(host)
    for address in (server.ipv4, f"[{server.ipv6}]"):
        said = published.run(
            "stranger", f"openssl s_client -connect {address}:443 -servername www.{domain} </dev/null 2>&1", check=False
        ).stdout
        assert "unrecognized name" in said and "BEGIN CERTIFICATE" not in said


@each
def test_the_services_stand_behind_walls(published: Lab, host: str, domain: str) -> None:
    """The budget of exposure is 3.0 (systemd-analyze security)."""
    for unit in ("nginx", "ironpost-tls-policy", "postfix-mta-sts-resolver"):
        said = published.run(host, f"systemd-analyze security --no-pager {unit}.service").stdout
        level = re.search(r"Overall exposure level for \S+ ([0-9.]+)", said)
        assert level and float(level[1]) <= 3.0, said[-200:]


def test_a_policy_that_nobody_serves_is_not_announced(published: Lab, tmp_path: Path) -> None:
    """The inventory has moved on and the host has not: DNS stays with the policy that is served."""
    inventory = variant(tmp_path, ('mta_sts="enforce"', 'mta_sts="testing"'))
    apply = ("ironpost", "dns", "apply", inventory, "--limit", "example.org")
    before = announced(published)
    done = run_command(published, *apply)
    assert done.returncode == 1
    assert "_mta-sts.example.org TXT (STS) held back: " in done.stdout
    assert "gives another policy than the inventory's" in done.stdout
    published.run("mx1", "systemctl stop nginx")
    try:
        done = run_command(published, *apply)
        assert done.returncode == 1 and "does not answer" in done.stdout
    finally:
        published.run("mx1", "systemctl start nginx")
    assert announced(published) == before
    assert "nothing to do" in succeed(published, "ironpost", "dns", "plan", "inventories/lab.py")


def announced(lab: Lab) -> list[str]:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [lab.name_servers[0]]
    return sorted(record.to_text() for record in resolver.resolve("_mta-sts.example.org", "TXT", lifetime=10))
