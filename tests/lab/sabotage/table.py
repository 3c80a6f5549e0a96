"""All sabotages of this folder, and why some controls have none."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from tests.lab.sabotage import Sabotage

# What cannot be shown by breaking a live host, and where it is shown.
SHOWN_ELSEWHERE = {
    "OS-10": "a container has the clock of the machine below: tests/unit/test_system_controls.py",
    "OS-13": "a container has the kernel of the machine below: tests/unit/test_system_controls.py",
    "LOG-05": "the kernel refuses its audit log to containers: tests/unit/test_system_controls.py",
    "DANE-04": "the lab's certificates come from files: tests/unit/test_dane.py, and the host's own refusal in "
    "tests/unit/test_onhost_tls.py",
    "TLS-09": "strict alone asks for it, and Debian 12 has no such group: tests/unit/test_exchange.py, and a handshake "
    "of OpenSSL in tests/lab/test_mail.py",
    "TLS-14": "no host of the lab serves a closed community: tests/unit/test_exchange.py",
    "TLS-18": "neither program refuses a name unless it is told to for each: tests/unit/test_exchange.py",
    "DNS-10": "the lab's name servers cannot resolve for others at all: tests/unit/test_zone_controls.py",
    "DMARC-05": "strict alone asks for it: tests/unit/test_trust_controls.py",
    "OS-05": "no host of the lab has keys in tokens: tests/unit/test_further_controls.py",
    "AUTH-12": "the accounts of the lab log in with passwords alone: tests/unit/test_further_controls.py",
    "IMAP-07": "a container has no disk of its own: tests/unit/test_further_controls.py",
    "UPD-03": "a release ends by date: tests/unit/test_further_controls.py",
    "FW-06": "the hosts of the lab may connect to whatever a test sets up: tests/unit/test_exception_controls.py",
    "ALLOW-02": "who was shut out cannot repair: tests/lab/test_lockout.py, tests/unit/test_exception_controls.py",
    "ALLOW-03": "a grant stands in the inventory, not on a host: tests/unit/test_exception_controls.py",
    "SEC-06": "no deploy makes a new key in the place of a shared one: tests/unit/test_exception_controls.py",
    "RELAY-12": "the hosts of the lab have no domain in common: tests/lab/test_fleet_counts.py",
    "EVD-04": "a waiver stands in the inventory, not on a host: tests/unit/test_waivers.py",
}
MACHINERY = ("__main__", "campaign", "rounds", "table")  # modules of this folder that hold no sabotages


def every() -> dict[str, Sabotage]:
    """Key → sabotage, in the order of files; every tuple of sabotages in a module of this folder counts."""
    found: dict[str, Sabotage] = {}
    names = [each.name for each in pkgutil.iter_modules([str(Path(__file__).parent)]) if each.name not in MACHINERY]
    for name in names:
        for label, value in vars(importlib.import_module(f"tests.lab.sabotage.{name}")).items():
            if label.isupper() and isinstance(value, tuple):
                found |= {sabotage.key: sabotage for sabotage in value if isinstance(sabotage, Sabotage)}
    return found


def first_of(control: str) -> Sabotage:
    return next(sabotage for sabotage in every().values() if sabotage.control == control)
