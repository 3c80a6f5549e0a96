"""The field's own tools, run as a stranger: what each complains of, as short words that a table can explain.

They are programs and not libraries (sslyze is AGPL), so they live in an environment of their own (.venv-tools).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ironpost.lab import Lab
from tests.lab.deployment import TOP

TOOLS = TOP / ".venv-tools" / "bin"
OLD = ("SSLv2", "SSLv3", "TLS1", "TLS1_1")
# sslyze's names for what it reads as a weakness, each with how its result must read.
SSLYZE_SOUND: dict[str, tuple[str, Any]] = {
    "tls_compression": ("supports_compression", False),
    "openssl_ccs_injection": ("is_vulnerable_to_ccs_injection", False),
    "heartbleed": ("is_vulnerable_to_heartbleed", False),
    "robot": ("robot_result", "NOT_VULNERABLE_RSA_NOT_SUPPORTED"),
    "tls_fallback_scsv": ("supports_fallback_scsv", True),
    "tls_extended_master_secret": ("supports_ems_extension", True),
}


@contextmanager
def stranger_resolves(lab: Lab) -> Iterator[None]:
    """Programs of this machine in the stranger's namespace ask the lab's resolver (ip-netns(8), /etc/netns)."""
    folder = Path("/etc/netns") / lab.plan.namespace("stranger")
    folder.mkdir(parents=True, exist_ok=True)  # one may be left by a run that was ended
    (folder / "resolv.conf").write_text(f"nameserver {lab.resolver}\n")
    try:
        yield
    finally:
        (folder / "resolv.conf").unlink()
        folder.rmdir()


def as_stranger(lab: Lab, *words: str, seconds: int = 600) -> str:
    """Standard output of a program of this machine on the stranger's network; their exit codes count findings."""
    environment = os.environ | {
        "SSL_CERT_FILE": str(lab.root_certificate),
        "REQUESTS_CA_BUNDLE": str(lab.root_certificate),
    }
    command = ["ip", "netns", "exec", lab.plan.namespace("stranger"), *words]
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds
    )
    assert done.stdout, f"{words[0]} said nothing: {done.stderr[-2000:]}"
    return done.stdout


def findings_of_testssl(lab: Lab, host: str, port: int, folder: Path) -> set[str]:
    """Ids of all that testssl.sh rates below INFO, as `id: what it found`."""
    name = lab.host(host).fqdn
    report = folder / f"testssl-{host}-{port}.json"
    starttls = {25: ("--starttls", "smtp"), 587: ("--starttls", "smtp")}.get(port, ())
    options = (
        "--quiet",
        "--color",
        "0",
        "--warnings",
        "batch",
        "--nodns",
        "none",
        "--add-ca",
        str(lab.root_certificate),
    )
    as_stranger(
        lab, "testssl", *options, "--ip", lab.host(host).ipv4, *starttls, "--jsonfile", str(report), f"{name}:{port}"
    )
    rows = json.loads(report.read_text())
    assert {row["id"] for row in rows} >= {"TLS1", "TLS1_3", "heartbleed"}, "testssl.sh ended early"
    return {f"{row['id']}: {row['finding']}" for row in rows if row["severity"] not in ("OK", "INFO")}


def sslyze(lab: Lab, host: str, ports: tuple[int, ...], folder: Path) -> dict[int, dict[str, Any]]:
    """port → what sslyze measured. It is slowed down: at its own pace it meets our limits for one address."""
    name, found = lab.host(host).fqdn, {}
    for port in ports:
        report = folder / f"sslyze-{host}-{port}.json"
        starttls = ("--starttls=smtp",) if port in (25, 587) else ()
        options = ("--slow_connection", "--mozilla_config=disable", f"--json_out={report}")
        options += (f"--certinfo_ca_file={lab.root_certificate}",)  # beside the stores of browsers and systems
        scans = [f"--{word}" for word in SSLYZE_SCANS]
        as_stranger(lab, str(TOOLS / "sslyze"), *options, *scans, *starttls, f"{name}:{port}")
        [server] = json.loads(report.read_text())["server_scan_results"]
        found[port] = {what: scan["result"] for what, scan in server["scan_result"].items() if scan["result"]}
    return found


SSLYZE_SCANS = (
    "certinfo",
    "sslv2",
    "sslv3",
    "tlsv1",
    "tlsv1_1",
    "tlsv1_2",
    "tlsv1_3",
    "compression",
    "reneg",
    "heartbleed",
    "openssl_ccs",
    "robot",
    "fallback",
    "ems",
    "early_data",
)


def sslyze_findings(measured: dict[str, Any]) -> set[str]:
    """The weaknesses among them, in words."""
    found = {
        f"{what}: {measured[what][key]}" for what, (key, sound) in SSLYZE_SOUND.items() if measured[what][key] != sound
    }
    deployments = measured["certificate_info"]["certificate_deployments"]
    paths = [path for deployment in deployments for path in deployment["path_validation_results"]]
    if not all(deployment["leaf_certificate_has_must_staple_extension"] is False for deployment in deployments):
        found.add("certificate: must-staple")
    renegotiation = measured["session_renegotiation"]
    if renegotiation["is_vulnerable_to_client_renegotiation_dos"]:
        found.add("session_renegotiation: by the client")
    if not any(path["was_validation_successful"] for path in paths):
        found.add("certificate: no chain of trust")
    return found


def sslyze_versions(measured: dict[str, Any]) -> set[str]:
    return {
        name.removesuffix("_cipher_suites")
        for name, result in measured.items()
        if name.endswith("_cipher_suites") and result["accepted_cipher_suites"]
    }


def nmap(lab: Lab, host: str, *words: str) -> ElementTree.Element:
    """nmap's own XML."""
    text = as_stranger(lab, "nmap", "-n", "-Pn", "-oX", "-", *words, lab.host(host).ipv4)
    return ElementTree.fromstring(text)  # noqa: S314 - a program of this machine wrote it


def nmap_open(root: ElementTree.Element) -> set[int]:
    return {
        int(port.attrib["portid"])
        for port in root.iter("port")
        if (state := port.find("state")) is not None and state.attrib["state"] == "open"
    }


def nmap_said(root: ElementTree.Element, script: str) -> dict[int, str]:
    """port → output of a script."""
    return {
        int(port.attrib["portid"]): found.attrib["output"]
        for port in root.iter("port")
        for found in port.findall("script")
        if found.attrib["id"] == script
    }


def nmap_versions(said: str) -> set[str]:
    return {word.lower().replace("v1.", "_1_") for word in re.findall(r"^\s*((?:TLS|SSL)v[\d.]+):", said, re.M)}


def checkdmarc(lab: Lab, *domains: str) -> dict[str, dict[str, Any]]:
    """domain → checkdmarc's report of it."""
    text = as_stranger(lab, str(TOOLS / "checkdmarc"), "-n", lab.resolver, "-t", "8", "-f", "json", *domains)
    found = json.loads(text)
    return {row["domain"]: row for row in (found if isinstance(found, list) else [found])}


def checkdmarc_findings(report: dict[str, Any]) -> set[str]:
    """Each error and each warning, as `part: sentence`."""
    found = set()
    for part, content in report.items():
        if isinstance(content, dict):
            found |= {f"{part}: {warning}" for warning in content.get("warnings", [])}
            if content.get("error"):
                found.add(f"{part}: {content['error']}")
    if report.get("dnssec") is not True:
        found.add("dnssec: not signed")
    return found


def swaks(lab: Lab, host: str, *words: str) -> str:
    """The whole conversation."""
    return as_stranger(lab, "swaks", "--server", lab.host(host).fqdn, "--ehlo", "host.stranger.example", *words)
