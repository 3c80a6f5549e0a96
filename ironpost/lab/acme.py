"""The lab's authority by ACME: pebble, which makes a new root at each start and refuses one nonce in twenty.

It asks the validating resolver beside it, as a public authority asks its own. It does not look at CAA records.
"""

from __future__ import annotations

import json

from ironpost.lab.plan import OPERATED_ZONES, LabPlan
from ironpost.lab.tree import LabFile, LabTree

PORT, MANAGEMENT_PORT = 14000, 15000
FOLDER = "/etc/pebble"
LIFETIME_DAYS = 90

UNIT = f"""\
[Unit]
Description=ACME server of the test network
After=network.target unbound.service

[Service]
# Validations begin at once, instead of after a random while; a name that was proven is not asked for again at once.
Environment=PEBBLE_VA_NOSLEEP=1 PEBBLE_AUTHZREUSE=100
ExecStart=/usr/bin/pebble -config {FOLDER}/config.json -dnsserver 127.0.0.1:53
Restart=on-failure

[Install]
WantedBy=multi-user.target
"""


def acme_key(zone: str) -> str:
    """The name of the key that may write the proofs of an operated zone and nothing else."""
    return f"acme.{zone}"


def proof_names(plan: LabPlan, zone: str) -> tuple[str, ...]:
    """The names below which that key may write: those of the hosts, and those that their certificates have besides."""
    hosts = [host.fqdn for host in plan.of_role("mail") if host.fqdn.endswith(f".{zone}")]
    services = [f"{word}.{zone}" for word in ("mta-sts", "autoconfig", "autodiscover")]
    return tuple(f"_acme-challenge.{name}." for name in (*hosts, *services))


def acme_acls(plan: LabPlan) -> str:
    """What ns1 grants these keys (knot.conf(5), acl)."""
    return "".join(
        f"  - id: {acme_key(zone)}\n"
        f"    key: {acme_key(zone)}.\n"
        "    action: update\n"
        "    update-owner: name\n"
        "    update-owner-match: equal\n"
        f"    update-owner-name: [ {', '.join(proof_names(plan, zone))} ]\n"
        "    update-type: [ TXT ]\n"
        for zone in OPERATED_ZONES
    )


def tree_for_acme(chain: bytes, key: bytes) -> LabTree:
    """The server; `chain` and `key` are those of its own HTTPS, from the authority that all hosts trust."""
    config = {
        "listenAddress": f"[::]:{PORT}",
        "managementListenAddress": f"[::]:{MANAGEMENT_PORT}",
        "certificate": f"{FOLDER}/chain.pem",
        "privateKey": f"{FOLDER}/key.pem",
        "httpPort": 80,
        "tlsPort": 443,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
        "certificateValidityPeriod": LIFETIME_DAYS * 86400,
    }
    return LabTree(
        files=(
            LabFile(f"{FOLDER}/config.json", json.dumps({"pebble": config}, indent=1) + "\n"),
            LabFile(f"{FOLDER}/chain.pem", chain),
            LabFile(f"{FOLDER}/key.pem", key, 0o600),
            LabFile("/etc/systemd/system/pebble.service", UNIT),
        ),
        units=("pebble.service",),
    )
