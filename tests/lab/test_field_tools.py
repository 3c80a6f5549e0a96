"""Our verdict beside those of the tools that operators and auditors have: each difference is explained, or is a bug.

The tools run as a stranger. A row of EXPLAINED that no tool brings up any more fails too, so that the table stays true.
"""

from __future__ import annotations

import json
import re
import tomllib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from ironpost.lab import Lab
from ironpost.lab.mail import at_outside, letter, submit, verified_signatures
from tests.lab.deployment import DEPLOY, run_command, succeed
from tests.lab.field import (
    OLD,
    checkdmarc,
    checkdmarc_findings,
    findings_of_testssl,
    nmap,
    nmap_open,
    nmap_said,
    nmap_versions,
    sslyze,
    sslyze_findings,
    sslyze_versions,
    stranger_resolves,
    swaks,
)
from tests.lab.sabotage.rounds import FORGET
from tests.lab.sabotage.table import first_of

pytestmark = pytest.mark.soak
HOSTS = ("mx1", "mx2")
PORTS = (25, 465, 587, 993, 995)
PEOPLE = {"mx1": "alice@example.org", "mx2": "dave@example.com"}
VERSIONS = {"mx1": {"tls_1_3"}, "mx2": {"tls_1_2", "tls_1_3"}}  # on client ports; 25 has both everywhere
# tool, what it says (a pattern), why our verdict differs
EXPLAINED = (
    ("testssl", r"engine_problem: .*", "of testssl.sh's own OpenSSL, not of the host"),
    ("testssl", r"cert_revocation: Neither CRL nor OCSP URI provided", "the lab's authority revokes nothing (CRT-07)"),
    ("checkdmarc( parked)?", r"bimi: .*", "no BIMI: it needs a bought certificate, and protects nothing"),
    ("checkdmarc parked", r"mta_sts: An MTA-STS DNS record does not exist\.", "a domain that takes no mail (null MX)"),
    ("checkdmarc parked", r"smtp_tls_reporting: .* does not exist\.", "a domain that takes no mail (null MX)"),
    ("checkdmarc parked", r"dmarc: rua tag .* not found\.", "nobody reads reports of a domain that never mails"),
)
seen: set[tuple[str, str]] = set()


def unexplained(tool: str, findings: set[str]) -> set[str]:
    left = set(findings)
    for name, pattern, _ in EXPLAINED:
        for finding in findings if re.fullmatch(name, tool) else ():
            if re.fullmatch(pattern, finding, re.S):
                seen.add((name, pattern))
                left.discard(finding)
    return left


@pytest.fixture(scope="module")
def field(published: Lab) -> Iterator[Lab]:
    """Both hosts with our verdict: everything holds."""
    with stranger_resolves(published):
        yield published


@pytest.fixture(autouse=True)
def from_zero(field: Lab) -> None:
    """A tool meets the limits for one address only with what it does itself."""
    for host in HOSTS:
        field.run(host, FORGET)


def verdicts(lab: Lab) -> dict[tuple[str, str], str]:
    done = run_command(lab, "ironpost", "verify", "inventories/lab.py", "--json", "-")
    rows = json.loads(done.stdout[done.stdout.index("{") :])["results"]
    return {(row["mailhost"].partition(".")[0], row["control"]): row["outcome"] for row in rows}


def test_our_own_verdict_is_clean(field: Lab) -> None:
    """What the others are compared with."""
    assert set(verdicts(field).values()) <= {"holds", "not applicable"}


@pytest.mark.parametrize("port", [25, 993])
@pytest.mark.parametrize("host", HOSTS)
def test_testssl_finds_nothing_that_we_do_not_know(field: Lab, host: str, port: int, tmp_path: Path) -> None:
    """TLS-01 to TLS-18 and CRT, read by testssl.sh."""
    assert unexplained("testssl", findings_of_testssl(field, host, port, tmp_path)) == set()


@pytest.mark.parametrize("host", HOSTS)
def test_sslyze_measures_the_versions_that_we_measure(field: Lab, host: str, tmp_path: Path) -> None:
    """TLS-02, TLS-03, TLS-07, TLS-16: versions of each port, and sslyze's list of old attacks."""
    for port, measured in sslyze(field, host, PORTS, tmp_path).items():
        field.run(host, FORGET)
        assert sslyze_versions(measured) == ({"tls_1_2", "tls_1_3"} if port == 25 else VERSIONS[host]), port
        assert unexplained("sslyze", sslyze_findings(measured)) == set(), port


@pytest.mark.parametrize("host", HOSTS)
def test_nmap_sees_the_doors_and_the_ciphers_that_we_see(field: Lab, host: str) -> None:
    """FW-01 over all 65,535 ports, TLS-04 by nmap's grades, SMTP-05 and RELAY-01 by its scripts."""
    expected = tomllib.loads((Path(__file__).parent / "expected" / f"{host}.toml").read_text())
    whole = nmap(field, host, "-p-", "--min-rate", "2000", "--max-retries", "1")
    assert nmap_open(whole) == set(expected["open_to_everyone"])
    field.run(host, FORGET)
    domain = "smtp-open-relay.domain=example.net"
    graded = nmap(field, host, "-p", "25,465,587,993,995", "--script", "ssl-enum-ciphers")
    for port, said in nmap_said(graded, "ssl-enum-ciphers").items():
        assert nmap_versions(said) == ({"tls_1_2", "tls_1_3"} if port == 25 else VERSIONS[host]), port
        assert "least strength: A" in said and "warnings" not in said, said
    field.run(host, FORGET)
    asked = nmap(field, host, "-p", "25", "--script", "smtp-open-relay,smtp-enum-users", "--script-args", domain)
    assert "is an open relay" not in nmap_said(asked, "smtp-open-relay")[25].replace("isn't an open relay", "")
    assert not re.search(r"^\s+(root|admin|postmaster)$", nmap_said(asked, "smtp-enum-users").get(25, ""), re.M)


def test_checkdmarc_reads_the_zone_as_we_do(field: Lab) -> None:
    """SPF, DMARC, MX with its certificate, MTA-STS, TLSRPT and DNSSEC of each domain."""
    reports = checkdmarc(field, "example.org", "example.com", "parked.example.org")
    for domain, report in reports.items():
        tool = "checkdmarc parked" if domain.startswith("parked") else "checkdmarc"
        assert unexplained(tool, checkdmarc_findings(report)) == set(), domain
    assert reports["example.org"]["dmarc"]["tags"]["p"]["value"] == "reject"
    assert reports["example.org"]["mta_sts"]["policy"]["mode"] == "enforce"


@pytest.mark.parametrize("host", HOSTS)
def test_swaks_gets_as_far_as_we_say(field: Lab, host: str) -> None:
    """AUTH-01, AUTH-02, RELAY-01 and SMTP-06, in the words of the tool that everybody has at hand."""
    relaying = swaks(field, host, "--to", "bob@example.net", "--from", "mallory@example.net", "--quit-after", "RCPT")
    assert re.search(r"^<\*\* 5\d\d .*", relaying, re.M), relaying
    bare = swaks(field, host, "--port", "587", "--quit-after", "EHLO")
    assert "STARTTLS" in bare and "AUTH" not in bare
    covered = swaks(field, host, "--port", "587", "-tls", "--tls-verify", "--quit-after", "EHLO")
    assert "TLS started with cipher TLSv1.3" in covered and "AUTH PLAIN LOGIN" in covered
    listed = swaks(field, host, "--port", "25", "-tls", "--tls-verify", "--quit-after", "EHLO")
    assert "TLS started with cipher TLSv1.3" in listed and "AUTH" not in listed


@pytest.mark.parametrize("host", HOSTS)
def test_dkimpy_verifies_both_signatures(field: Lab, host: str) -> None:
    """DKIM-01 and DKIM-02 by the library that signed nothing here."""
    subject = f"field {uuid.uuid4().hex[:10]}"
    submit(field, host, letter(PEOPLE[host], "bob@example.net", subject))
    found = verified_signatures(field, at_outside(field, "bob", subject))
    assert found == {"rsa-sha256": True, "ed25519-sha256": True}


def test_a_weakened_host_is_named_by_all(field: Lab, tmp_path: Path) -> None:
    """The other direction: what is broken on purpose is seen by them and by us."""
    first_of("TLS-02").carry_out(field, "mx1")
    try:
        assert verdicts(field)["mx1", "TLS-02"] == "broken"
        field.run("mx1", FORGET)
        assert {each.partition(":")[0] for each in findings_of_testssl(field, "mx1", 25, tmp_path)} & set(OLD)
        field.run("mx1", FORGET)
        assert "tls_1_0" in sslyze_versions(sslyze(field, "mx1", (25,), tmp_path)[25])
        field.run("mx1", FORGET)
        graded = nmap_said(nmap(field, "mx1", "-p", "25", "--script", "ssl-enum-ciphers"), "ssl-enum-ciphers")
        assert "tls_1_0" in nmap_versions(graded[25])
    finally:
        succeed(field, *DEPLOY)
    assert verdicts(field)["mx1", "TLS-02"] == "holds"


def test_no_explanation_is_left_over(field: Lab) -> None:
    """Runs last: a row that explains nothing any more is taken out."""
    assert {(tool, pattern) for tool, pattern, _ in EXPLAINED} - seen == set()
